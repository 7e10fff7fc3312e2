"""Session logs: a part of one is coded anew."""

from __future__ import annotations

from segue.session_logs.logs import make_log, only_of


def test_the_plays_of_some_items_keep_sessions_listeners_and_artists() -> None:
    log = make_log(
        users=["ada", "ada", "ben", "ben"],
        sessions=["1", "1", "1", "1"],
        items=["x", "a", "b", "x"],
        times=[1.0, 2.0, 3.0, 4.0],
        artists=["one", "", "two", "one"],
    )
    part = only_of(log, ["a", "b", "never played"])
    assert part.item_ids[part.items].tolist() == ["a", "b"]
    assert part.user_ids[part.users].tolist() == ["ada", "ben"]
    assert part.sessions.tolist() == [0, 1]
    assert part.times.tolist() == [2.0, 3.0]
    assert part.artists.tolist()[0] == -1 and part.artists.tolist()[1] >= 0
    assert len(only_of(log, [])) == 0
