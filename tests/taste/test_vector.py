"""Taste vectors: where a listener's history points."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from segue.settings import load_settings
from segue.taste.history import DecayedSignals, Window, decayed
from segue.taste.profile import taste_vectors

TASTE = load_settings().taste.model_copy(update={"half_life": timedelta(days=7), "half_life_tracks": 10.0})
DAY = 86_400_000


def window(*signals: tuple[str, float, int]) -> Window:
    return Window(
        [s[0] for s in signals], [s[1] for s in signals], [s[2] for s in signals], ["play"] * len(signals)
    )


def test_a_week_ago_counts_half() -> None:
    history = {0: window(("a", 1.0, 0)), 7 * DAY: window(("b", 1.0, 7 * DAY))}
    found = decayed([history], settings=[TASTE.model_copy(update={"half_life_tracks": 1e9})])
    assert dict(zip(found.track_ids, found.weights, strict=True)) == {
        "a": pytest.approx(0.5),
        "b": pytest.approx(1),
    }


def test_a_track_counts_half_after_the_half_life_in_tracks() -> None:
    history = {0: window(("a", 1.0, 10), ("b", 1.0, 30), ("c", 1.0, 20))}
    found = decayed([history], settings=[TASTE.model_copy(update={"half_life_tracks": 2.0})])
    expected = {"b": 1.0, "c": 2**-0.5, "a": 0.5}
    assert dict(zip(found.track_ids, found.weights, strict=True)) == pytest.approx(expected)


def test_each_listener_has_a_part_of_their_own() -> None:
    found = decayed(
        [{0: window(("a", 1.0, 1))}, {}, {0: window(("b", 1.0, 1), ("c", 1.0, 2))}],
        settings=[TASTE] * 3,
    )
    assert found.bounds.tolist() == [0, 1, 1, 3]


def test_each_listener_has_half_lives_of_their_own() -> None:
    history = {0: window(("a", 1.0, 10), ("b", 1.0, 20))}
    slow, quick = (TASTE.model_copy(update={"half_life_tracks": tracks}) for tracks in (2.0, 1.0))
    found = decayed([history, history], settings=[slow, quick])
    assert found.weights.tolist() == pytest.approx([2**-0.5, 1.0, 0.5, 1.0])


def weighed(*listeners: Sequence[float] | np.ndarray) -> DecayedSignals:
    """Signals with these weights, each of a track of its own."""
    weights = np.concatenate([np.asarray(one, dtype=float) for one in listeners])
    bounds = np.cumsum([0, *map(len, listeners)])
    ones = np.ones(len(weights))
    names = [f"t{i}" for i in range(len(weights))]
    return DecayedSignals(names, weights, ones, bounds, ones, weights > 0, weights < 0)


def test_a_track_is_liked_by_its_signals_in_all_windows_together() -> None:
    """One listener kept "a" and turned it down in the next window; another one kept it."""
    first = {0: window(("a", 1.0, 1), ("b", 1.0, 2)), 60: window(("a", -2.0, 61), ("c", 1.0, 62))}
    found = decayed([first, {0: window(("a", 1.0, 1))}], settings=[TASTE] * 2)
    assert list(zip(found.track_ids, found.positive.tolist(), strict=True)) == [
        *[("a", False), ("b", True), ("a", False), ("c", True)],
        ("a", True),
    ]


def test_a_track_kept_and_then_turned_down_is_no_taste() -> None:
    history = {0: window(("a", 1.0, 1)), 60: window(("a", -2.0, 61))}
    signals = decayed([history], settings=[TASTE])
    assert not taste_vectors(np.ones((2, 3), dtype=np.float32), signals).any()


def test_a_taste_points_to_liked_tracks_and_away_from_others() -> None:
    east, north = np.eye(2, dtype=np.float32)
    [taste] = taste_vectors(np.array([east, north]), weighed([1.0, -1.0]))
    assert taste == pytest.approx([2**-0.5, -(2**-0.5)])


@pytest.mark.parametrize(
    ("vectors", "weights"),
    [
        (np.zeros((0, 3)), np.zeros(0)),  # nothing said
        (np.zeros((2, 3)), np.ones(2)),  # only unknown tracks
        (np.eye(3)[:2], np.array([-1.0, -2.0])),  # only dislikes
        (np.array([[1, 0, 0], [-1, 0, 0]]), np.ones(2)),  # two that cancel out
    ],
)
def test_no_usable_history_gives_no_taste(vectors: np.ndarray, weights: np.ndarray) -> None:
    found = taste_vectors(vectors, weighed(weights))
    assert found.tolist() == [[0, 0, 0]]


@given(
    arrays(np.float32, (6, 4), elements=st.floats(-1, 1, width=16)),
    arrays(np.float64, 6, elements=st.floats(0.125, 2, width=16)),
)
def test_a_taste_has_unit_length_or_none_and_ignores_the_other_listeners(
    vectors: np.ndarray, weights: np.ndarray
) -> None:
    together = taste_vectors(vectors, weighed(weights[:2], weights[2:]))
    alone = taste_vectors(vectors[2:], weighed(weights[2:]))
    lengths = np.linalg.norm(together, axis=1)
    assert all(length == pytest.approx(1, abs=1e-5) or length == 0 for length in lengths)
    assert together[1] == pytest.approx(alone[0])
