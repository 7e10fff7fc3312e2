"""The lists of the stream in a learned order, on session logs: its histories, and repeated tracks."""

from __future__ import annotations

import numpy as np
import pytest

from segue.recommenders.ordered import Histories, Ordered, track_id, windows_of
from segue.session_logs.logs import SessionLog, make_log
from segue.session_logs.splits import split_by_time
from segue.settings import load_settings
from tests.recommenders.test_served import MODELS

SETTINGS = load_settings()
DAY = 86_400.0


def repeating(sessions: int = 60) -> SessionLog:
    """Listeners who play four tracks of an album twice, at 400 seconds each; three sessions a day."""
    rows = [
        (session % 7, session, session % 5 * 8 + place % 4, session * DAY / 3 + 400 * place)
        for session in range(sessions)
        for place in range(12)
    ]
    users, numbers, items, times = (np.array(column) for column in zip(*rows, strict=True))
    artists = np.array([f"artist {item // 8}" for item in items.tolist()])
    return make_log(users=users, sessions=numbers, items=items, times=times, artists=artists)


def test_a_window_has_each_track_once_with_the_number_of_its_plays() -> None:
    found = windows_of(np.array([3, 1, 3, 3]), np.array([0.0, 300.0, 600.0, 1900.0]))
    assert list(found) == [0, 1_800_000]
    assert (found[0].tracks, found[0].weights, found[0].at) == (
        [track_id(1), track_id(3)],
        [1.0, 2.0],
        [300_000, 600_000],
    )
    assert found[1_800_000].tracks == [track_id(3)]


def test_a_history_has_the_earlier_sessions_of_the_listener_and_the_prefix() -> None:
    split = split_by_time(repeating())
    histories = Histories(split.history, SETTINGS.taste.model_copy(update={"max_signals": 24}))
    for number, found in enumerate(histories.of(split.queries)):
        plays = sum(sum(window.weights) for window in found.history.values())
        prefix = int(split.queries.ends[number] - split.queries.starts[number])
        assert plays == 24 + prefix
        assert max(found.history) / 1000 <= split.queries.times[number]


@pytest.mark.parametrize(("share", "heard"), [(0.0, False), (0.5, True)])
def test_tracks_of_the_session_come_again_within_the_share(share: float, heard: bool) -> None:
    split = split_by_time(repeating())
    ranking = SETTINGS.ranking.model_copy(update={"list_length": 6, "repeat_share": share})
    model = Ordered(MODELS, ranking, SETTINGS.taste).fit(split.history)
    lists = model.scores(split.queries)
    several = 0
    for number in range(len(split.queries)):
        listed = set(lists[number].indices.tolist())
        prefix = split.queries.items[split.queries.starts[number] : split.queries.ends[number]]
        assert len(listed.intersection(prefix.tolist())) <= 3
        several += len(listed.intersection(prefix.tolist()))
    assert bool(several) == heard
    free = model.limited(repeat_share=1.0, staying_per_artist=6).scores(split.queries)
    assert (free.indptr == lists.indptr).any()
