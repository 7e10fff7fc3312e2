"""Session embeddings: they place unplayed tracks by audio, and training goes on after a stop."""

from __future__ import annotations

import numpy as np
import pytest

from segue.embeddings.skip_gram import State, context_pairs, train, vectors
from segue.errors import SegueError
from segue.session_logs.logs import SessionLog, make_log
from segue.settings import load_settings

SMALL = {
    **{"dimension": 8, "hidden_units": 16, "batch_size": 256, "negative_samples": 2},
    **{"epochs": 4, "context_size": 2, "learning_rate": 0.02, "patience": 4, "min_plays": 2},
}
TRAINING = load_settings().models.sessions.model_copy(update=SMALL)
TRACKS, PLAYED = 200, 160
GROUPS = np.arange(TRACKS) % 2


def corpus() -> tuple[SessionLog, np.ndarray]:
    """Tracks of two groups, of which the last 40 are never played; the first of 6 descriptors tells the
    group, and the others, three times as large, tell nothing."""
    rng = np.random.default_rng(0)
    audio = rng.normal(0, 3, (TRACKS, 6)).astype(np.float32)
    audio[:, 0] = np.where(GROUPS == 0, 1, -1)
    sessions = np.repeat(np.arange(500), 6)
    items = 2 * rng.integers(PLAYED // 2, size=len(sessions)) + sessions % 2
    log = make_log(users=sessions, sessions=sessions, items=items, times=np.arange(len(items)))
    return (
        SessionLog(
            users=log.users,
            sessions=log.sessions,
            items=log.item_ids[log.items].astype(np.int64),
            times=log.times,
            artists=np.full(TRACKS, -1),
            item_ids=np.arange(TRACKS),
            user_ids=log.user_ids,
        ),
        audio,
    )


def test_pairs_are_the_neighbours_in_a_session_both_ways() -> None:
    log = make_log(users=["a"] * 5, sessions=["1", "1", "1", "2", "2"], items=list("abacd"), times=range(5))
    found = sorted(map(tuple, context_pairs(log, window=1).tolist()))
    assert found == [(0, 1), (0, 1), (1, 0), (1, 0), (2, 3), (3, 2)]


def test_unplayed_tracks_are_placed_with_their_group_and_better_than_by_audio_alone() -> None:
    log, audio = corpus()
    found = vectors(train(log, audio, TRAINING).best, audio, known=np.arange(TRACKS) < PLAYED)
    np.testing.assert_allclose(np.linalg.norm(found, axis=1), 1, rtol=1e-4)

    def same_group(rows: np.ndarray) -> float:
        nearest = np.argsort(-(rows[PLAYED:] @ rows[:PLAYED].T), axis=1)[:, :8]
        return float((GROUPS[nearest] == GROUPS[PLAYED:, None]).mean())

    by_audio = same_group(audio / np.linalg.norm(audio, axis=1, keepdims=True))
    assert same_group(found) > max(0.8, by_audio)


def test_a_run_that_goes_on_from_a_checkpoint_ends_the_same() -> None:
    log, audio = corpus()
    states: list[State] = []
    whole = train(log, audio, TRAINING, checkpoint=states.append)
    assert [state.epoch for state in states] == list(range(1, whole.epoch + 1))
    resumed = train(log, audio, TRAINING, state=states[0])
    assert resumed.losses == whole.losses
    for name, values in whole.best.items():
        np.testing.assert_array_equal(np.asarray(resumed.best[name]), np.asarray(values), err_msg=name)


def test_nothing_to_learn_from_is_an_error() -> None:
    log = make_log(users=["a", "b"], sessions=["1", "2"], items=["a", "b"], times=[0, 1])
    with pytest.raises(SegueError, match="nothing to learn from"):
        train(log, np.zeros((2, 3), dtype=np.float32), TRAINING)
