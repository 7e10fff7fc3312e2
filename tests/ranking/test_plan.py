"""Plans on a catalogue that fits on a page: three styles at right angles, three artists each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pytest

from segue.index.exact import ExactIndex
from segue.ranking.plan import Plan, plan
from segue.settings import load_settings
from segue.taste.history import History, Window

SETTINGS = load_settings()
STYLES = ("blues", "house", "waltz")
DAY = 86_400_000


class Shelf:
    """A bundle in memory: tracks "blues0".."waltz5", each near the axis of its style."""

    version = "v1"

    def __init__(self) -> None:
        rng = np.random.default_rng(3)
        self.names = sorted(f"{style}{i}" for style in STYLES for i in range(6))
        axes = np.repeat(np.eye(3, 4), 6, axis=0) + rng.normal(0, 0.05, (18, 4))
        self.vectors = (axes / np.linalg.norm(axes, axis=1, keepdims=True)).astype(np.float32)
        self.artists = np.arange(18) // 2
        self.cold_start = np.array([0, 6, 12, 2, 8, 14])
        self.neighbours = ExactIndex(self.vectors)

    def rows(self, ids: Sequence[str]) -> np.ndarray:
        return np.array([self.names.index(i) if i in self.names else -1 for i in ids], dtype=np.int64)

    def ids(self, rows: Sequence[int]) -> list[str]:
        return [self.names[row] for row in rows]


SHELF = Shelf()


def heard(*signals: tuple[str, float], start: int = 0) -> History:
    return {
        start: Window(
            [s[0] for s in signals],
            [s[1] for s in signals],
            [start + i for i in range(len(signals))],
            ["complete"] * len(signals),
        )
    }


def planned(
    history: History,
    *,
    lookup: Mapping[str, np.ndarray] | None = None,
    feedback: Mapping[int, float] | None = None,
    **ranking: Any,
) -> Plan:
    [found] = plan(
        {"ada": history},
        bundle=SHELF,
        lookup=lambda ids: {i: (lookup or {})[i] for i in ids if i in (lookup or {})},
        taste=SETTINGS.taste,
        ranking=SETTINGS.ranking.model_copy(update={"items": 4, **ranking}),
        feedback=feedback or {},
    )
    return found


def test_what_comes_next_is_of_the_style_that_was_heard_to_the_end() -> None:
    found = planned(heard(("house0", 1.0), ("house1", 1.0), ("waltz0", -0.5)))
    assert {item.track_id[:5] for item in found.items} == {"house"}
    assert found.served == "taste"


def test_nothing_heard_comes_back_within_its_time() -> None:
    found = planned(heard(("house0", 1.0), ("house1", 1.0)), items=18)
    assert not {"house0", "house1"} & {item.track_id for item in found.items}


def test_a_track_heard_long_ago_may_come_back() -> None:
    old = heard(("house0", 1.0))
    found = planned(old | heard(("house1", 1.0), start=40 * DAY), items=18)
    assert "house0" in {item.track_id for item in found.items}


def test_each_reason_is_a_track_the_listener_liked() -> None:
    found = planned(heard(("house0", 1.0), ("blues0", 1.0), ("waltz0", -1.0)))
    assert {item.because for item in found.items} <= {"house0", "blues0"}
    assert all(item.because and item.because[:5] == item.track_id[:5] for item in found.items)


def test_scores_fall_along_the_list_until_the_varied_ones_begin() -> None:
    scores = [item.score for item in planned(heard(("house0", 1.0)), per_artist=9).items]
    assert scores == sorted(scores, reverse=True)


@pytest.mark.parametrize("history", [{}, heard(("nowhere", 1.0)), heard(("house0", -1.0))])
def test_without_a_usable_history_the_varied_selection_is_served(history: History) -> None:
    found = planned(history)
    assert found.served == "cold-start"
    assert {item.track_id[:5] for item in found.items} == set(STYLES)
    assert all(item.because is None for item in found.items)


def test_a_track_newer_than_the_bundle_counts_through_the_lookup() -> None:
    found = planned(heard(("brand-new", 1.0)), lookup={"brand-new": np.float32([0, 0, 1, 0])})
    assert {item.track_id[:5] for item in found.items} == {"waltz"}
    assert found.unknown == []


def test_a_track_in_no_catalogue_is_named() -> None:
    assert planned(heard(("nowhere", 1.0), ("house0", 1.0))).unknown == ["nowhere"]


def test_a_vector_of_another_space_is_not_mixed_in() -> None:
    found = planned(heard(("odd", 1.0)), lookup={"odd": np.ones(7, dtype=np.float32)})
    assert found.unknown == ["odd"]


def test_the_same_history_gives_the_same_plan_and_id_whoever_else_is_planned() -> None:
    history = heard(("house0", 1.0), ("waltz1", 0.5))
    several = plan(
        {"ben": heard(("blues0", 1.0)), "ada": history, "eve": {}},
        bundle=SHELF,
        lookup=lambda ids: {},
        taste=SETTINGS.taste,
        ranking=SETTINGS.ranking.model_copy(update={"items": 4}),
    )
    alone = planned(history)
    assert (several[1].items, several[1].recommendation_id) == (alone.items, alone.recommendation_id)
