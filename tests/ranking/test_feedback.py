"""Feedback: tracks that sink and rise, and the evidence that it takes."""

from __future__ import annotations

import numpy as np
import pytest

from segue.ranking.feedback import Feedback, Records, steps, wilson_lower
from segue.settings import load_settings
from tests.ranking.test_plan import SHELF, heard, planned

RANKING = load_settings().ranking


def moved(*tracks: tuple[int, int, int], listenings: int | None = None) -> list[float]:
    """(plays, early skips, likes) of each, beside a crowd of ordinary tracks with a tenth of skips."""
    rows = np.array([*tracks, *[(100, 10, 2)] * 50], dtype=float)
    evidence = rows[:, 0] if listenings is None else np.full(len(rows), float(listenings))
    records = Records([f"t{i}" for i in range(len(rows))], rows[:, 0], rows[:, 1], rows[:, 2], evidence)
    return [float(step) for step in steps(records, ranking=RANKING)[: len(tracks)]]


def test_tracks_that_most_skip_early_sink_and_those_that_many_like_rise() -> None:
    skipped, liked, ordinary = moved((200, 160, 0), (200, 10, 100), (200, 20, 4))
    assert skipped < -0.2
    assert liked > 0.05
    assert ordinary == 0


def test_three_skips_do_not_bury_a_new_track() -> None:
    assert moved((3, 3, 0), (RANKING.feedback_min_plays - 1, RANKING.feedback_min_plays - 1, 0)) == [0, 0]


def test_more_evidence_moves_further() -> None:
    little, more, much = moved((20, 16, 0), (100, 80, 0), (5000, 4000, 0))
    assert much < more < little < 0


def test_one_listener_alone_is_little_evidence() -> None:
    assert moved((500, 500, 0), listenings=5) == [0]


def test_steps_stay_within_the_bounds_of_the_settings() -> None:
    rng = np.random.default_rng(1)
    plays = rng.integers(0, 10_000, 500).astype(float)
    early, likes = plays * rng.random(500), rng.integers(0, 20_000, 500).astype(float)
    found = steps(Records([str(i) for i in range(500)], plays, early, likes, plays), ranking=RANKING)
    assert -RANKING.feedback_skip_weight <= found.min() <= found.max() <= RANKING.feedback_like_weight
    assert np.isfinite(found).all()


def test_no_plays_move_nothing() -> None:
    zeros = np.zeros(2)
    assert steps(Records(["a", "b"], zeros, zeros, zeros, zeros), ranking=RANKING).tolist() == [0, 0]


@pytest.mark.parametrize(("rate", "n", "lower"), [(1.0, 3, 0.438), (0.5, 100, 0.404), (0.0, 10, 0.0)])
def test_wilsons_lower_bound_as_published(rate: float, n: int, lower: float) -> None:
    assert wilson_lower(np.array([rate]), np.array([n]))[0] == pytest.approx(lower, abs=1e-3)


def test_a_track_that_sinks_is_recommended_later_and_the_likeness_shown_stays() -> None:
    history = heard(("blues0", 1.0))
    before = planned(history)
    first, second = before.items[0], before.items[1]
    feedback = Feedback("v", {first.track_id: -0.5, "not in the bundle": -0.5})
    after = planned(history, feedback=feedback.by_row(SHELF))
    assert after.items[0].track_id == second.track_id
    scores = {item.track_id: item.similarity for item in before.items}
    both = [item for item in after.items if item.track_id in scores]
    assert len(both) == 3
    assert all(item.similarity == scores[item.track_id] for item in both)


def test_the_varied_selection_puts_sinking_tracks_last() -> None:
    nothing = planned({}, list_length=6)
    sunk = nothing.items[0].track_id
    after = planned({}, list_length=6, feedback=Feedback("v", {sunk: -0.1}).by_row(SHELF))
    assert after.items[-1].track_id == sunk
