"""The dial: words, distances, and its effect on an order."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from segue.moods.dial import Dial, described, steer
from segue.moods.measures import DIMENSIONS

dials = st.dictionaries(st.sampled_from(DIMENSIONS), st.integers(-2, 2)).map(Dial)


def moods(seed: int, count: int = 60) -> np.ndarray:
    rng = np.random.default_rng(seed)
    found = rng.random((count, 4)).astype(np.float32)
    found[rng.random((count, 4)) < 0.1] = np.nan
    return found


def test_a_dial_in_words() -> None:
    assert str(Dial({"brightness": -2, "energy": -1, "tone": 0})) == "rather calm, dark"
    assert not Dial() and not Dial({"tempo": 0})
    assert str(Dial()) == ""


@pytest.mark.parametrize("notches", [{"energy": 3}, {"valence": 1}, {"energy": "2"}])
def test_a_dial_of_another_kind_is_refused(notches: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="mood dial"):
        Dial(notches)


def test_distances_by_hand() -> None:
    tracks = np.array([[0.1, 0.5, 0.9, 0.5], [0.6, 0.5, 0.3, np.nan]], dtype=np.float32)
    np.testing.assert_allclose(Dial({"energy": -2}).distances(tracks), [0, 0.4], atol=1e-6)
    np.testing.assert_allclose(Dial({"energy": -2, "brightness": 2}).distances(tracks), [0, 0.45], atol=1e-6)
    np.testing.assert_allclose(Dial({"tone": 1}).distances(tracks), [0.05, 0.5], atol=1e-6)
    np.testing.assert_array_equal(Dial().distances(tracks), [0, 0])


def test_a_track_in_words() -> None:
    assert described([0.1, 0.9, 0.5, None]) == ["calm", "fast"]


@given(dials, st.integers(0, 1000), st.floats(0, 1))
def test_steering_keeps_all_candidates_and_moves_towards_the_mood(
    dial: Dial, seed: int, strength: float
) -> None:
    known = moods(seed)
    candidates = np.random.default_rng(seed).permutation(60)[:40].tolist()
    found = steer(candidates, dial=dial, moods=known, strength=strength)
    assert sorted(found) == sorted(candidates)
    distances = dial.distances(known)
    for first in (5, 20):
        assert distances[found[:first]].mean() <= distances[candidates[:first]].mean() + 1e-9
    if strength == 1:
        assert (np.diff(distances[found]) >= 0).all()


@given(dials, st.integers(0, 1000))
def test_an_open_dial_or_no_strength_leaves_the_order(dial: Dial, seed: int) -> None:
    candidates = list(range(30))
    assert steer(candidates, dial=Dial(), moods=moods(seed), strength=1.0) == candidates
    assert steer(candidates, dial=dial, moods=moods(seed), strength=0.0) == candidates
    assert steer([], dial=dial, moods=moods(seed), strength=0.5) == []


@given(st.integers(0, 1000))
def test_the_further_it_is_turned_the_more_of_it_comes(seed: int) -> None:
    known = np.nan_to_num(moods(seed, 200), nan=0.5)
    shown = [
        known[steer(list(range(200)), dial=Dial({"energy": notch}), moods=known, strength=0.7)[:20], 0].mean()
        for notch in (-2, -1, 1, 2)
    ]
    assert shown == sorted(shown)
