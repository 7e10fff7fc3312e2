"""Popular and rising, on counts that fit on a page."""

from __future__ import annotations

from segue.engagement.popular import FEWEST_LISTENERS, popular, rising
from segue.engagement.reach import NEW_WEIGHT, TrackReach


def heard(track_id: str, listeners: int, *, skips: int = 0, weight: float = 1.0) -> TrackReach:
    heard = listeners * weight
    return TrackReach(track_id, listeners, heard, heard, (listeners - skips) * weight, 0.0, 0.0)


def test_popular_tracks_are_heard_by_many_and_skipped_by_few() -> None:
    found = popular([heard("skipped", 20, skips=18), heard("b", 9), heard("a", 9), heard("c", 12)], limit=3)
    assert [one.track_id for one in found] == ["c", "a", "b"]


def test_a_single_listener_makes_nothing_popular_or_rising() -> None:
    few = [heard("a", FEWEST_LISTENERS - 1)]
    assert popular(few, limit=5) == []
    assert rising(few, [heard("b", 10)], limit=5) == []


def test_new_listeners_count_less() -> None:
    crowd = heard("new", 4 * FEWEST_LISTENERS - 1, weight=NEW_WEIGHT)
    assert popular([crowd], limit=5) == []
    assert rising([crowd], [heard("b", 10)], limit=5) == []
    more, few = heard("new", 4 * FEWEST_LISTENERS, weight=NEW_WEIGHT), heard("b", FEWEST_LISTENERS + 1)
    assert [one.track_id for one in popular([more, few], limit=5)] == ["b", "new"]


def test_rising_tracks_have_a_larger_share_than_before() -> None:
    before = [heard("old", 100), heard("slow", 50), heard("new", 2)]
    now = [heard("old", 50), heard("slow", 30), heard("new", 20)]
    [found] = rising(now, before, limit=5)
    assert found.track_id == "new"
    assert found.now == 20
    assert 1 < found.expected < 2


def test_twice_as_many_listeners_of_everything_is_no_rise() -> None:
    before = [heard("a", 10), heard("b", 30)]
    assert rising([heard("a", 20), heard("b", 60)], before, limit=5) == []


def test_without_a_before_nothing_rises() -> None:
    assert rising([heard("a", 20)], [], limit=5) == []
