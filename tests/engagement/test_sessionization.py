"""Sessions: where one ends and the next begins."""

from __future__ import annotations

from datetime import timedelta

from segue.engagement.sessionization import ActivitySpan, sessionize

MINUTE = 60_000


def span(first: int, last: int, plays: int = 1) -> ActivitySpan:
    return ActivitySpan(first * MINUTE, last * MINUTE, plays, 0, plays * MINUTE)


def joined(*spans: ActivitySpan) -> list[tuple[int, int, int]]:
    found = sessionize(spans, gap=timedelta(minutes=30))
    assert all(isinstance(one, ActivitySpan) for one in found)
    return [(one.first_at // MINUTE, one.last_at // MINUTE, one.plays) for one in found]


def test_a_pause_as_long_as_the_gap_does_not_end_a_session() -> None:
    assert joined(span(0, 10), span(40, 50)) == [(0, 50, 2)]


def test_a_longer_one_does() -> None:
    assert joined(span(0, 10), span(41, 50)) == [(0, 10, 1), (41, 50, 1)]


def test_order_does_not_matter_and_a_late_span_joins_its_neighbours() -> None:
    assert joined(span(60, 70), span(0, 10), span(35, 36, plays=3)) == [(0, 70, 5)]


def test_nothing_is_nothing() -> None:
    assert joined() == []
