"""Other kinds of log that `bench quality` makes of one."""

from __future__ import annotations

import numpy as np

from segue.benchmarks.log_kinds import KINDS, earlier_days, with_gap
from segue.session_logs.logs import SessionLog, make_log
from segue.session_logs.splits import DAY, split_by_time


def played(*plays: tuple[str, float]) -> SessionLog:
    """Plays of listeners at times, each listener in one session; their tracks are numbered."""
    users, times = zip(*plays, strict=True)
    return make_log(users=users, sessions=users, items=np.arange(len(plays)) % 5, times=times)


def test_a_session_ends_where_its_listener_pauses() -> None:
    log = played(("ada", 0), ("ben", 50), ("ada", 100), ("ada", 700), ("ben", 450), ("ada", 800))
    cut = with_gap(log, seconds=400)
    assert [times.tolist() for times in np.split(cut.times, cut.bounds[1:-1])] == [
        [0, 100],
        [700, 800],
        [50, 450],
    ]
    assert len(np.unique(with_gap(cut, seconds=1000).sessions)) == 2  # joined again


def test_the_last_days_are_left_out() -> None:
    log = played(("ada", 0), ("ben", DAY), ("cem", 2.5 * DAY), ("ada", 0.5 * DAY), ("dea", 5 * DAY))
    assert earlier_days(log).times.tolist() == [0, 0.5 * DAY, DAY, 2.5 * DAY]


def test_every_kind_can_be_split_and_keeps_the_tracks_of_its_plays() -> None:
    rng = np.random.default_rng(0)
    sessions = np.repeat(np.arange(200), 6)
    log = make_log(
        users=sessions % 20,
        sessions=sessions,
        items=rng.integers(50, size=1200),
        times=sessions * 5 * DAY / 200 + np.tile(np.arange(6) * 390.0, 200),
        artists=np.full(1200, "one"),
    )
    plays = set(zip(log.items.tolist(), log.times.tolist(), strict=True))
    for name, changed in KINDS.items():
        other = changed(log)
        assert set(zip(other.items.tolist(), other.times.tolist(), strict=True)) <= plays, name
        assert (np.diff(other.sessions) >= 0).all(), name
        assert len(split_by_time(other).queries), name
