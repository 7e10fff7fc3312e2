"""Statistics by day: computes them from those of the windows, and reads long periods from both.

A day is read from its own statistics if they have all of its windows, otherwise from the windows. So a late
play shows at once, and the day is summed again a little later. Statistics of windows are removed after
`retention.statistics`, but only once their day has them.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from segue.batches import batches
from segue.engagement.counted_windows import DAY, CountedWindows, day_of
from segue.engagement.daily_statistics import DailyStatistics
from segue.engagement.definitions import COUNTS, DIMENSIONS
from segue.engagement.listening import Listening
from segue.engagement.statistics import ListeningStatistics
from segue.settings import Settings
from segue.storage.store import Store

SETTLED = timedelta(minutes=10)
"""A day is summed when none of its windows has changed for this time."""
_KEYS_AT_ONCE = 500
_SUMMED = (*COUNTS, "listeners")
Sums = dict[str, Counter[str]]
"""Key -> `listeners` and counts."""


@dataclass(frozen=True)
class Done:
    """The work of a round."""

    summed: int
    """Days whose statistics were computed."""
    removed: int
    """Days whose windows' statistics were removed."""


def window_retention(settings: Settings) -> timedelta:
    """How long the statistics of a window are kept after they last changed.

    At least as long as the feedback and the lists of tracks read them, and as long as the topic has plays to
    count again.
    """
    engagement, retention = settings.engagement, settings.retention
    read = max(engagement.feedback_window, engagement.popular_window, engagement.rising_window + DAY)
    return max(retention.statistics, read + 2 * DAY, retention.plays + 2 * DAY)


class DailyRollUp:
    """Computes the statistics of days, and removes those of old windows."""

    def __init__(self, store: Store, settings: Settings) -> None:
        self._windows, self._days = CountedWindows(store), DailyStatistics(store)
        self._statistics, self._facts = ListeningStatistics(store), Listening(store)
        self._keep_windows = window_retention(settings)
        self._keep_facts = settings.retention.listening

    def run(self, *, settled: timedelta = SETTLED, seconds: float = 20.0) -> Done:
        """Sum the complete days whose windows have settled, then remove old windows, for about `seconds`."""
        now, end = datetime.now(UTC), time.monotonic() + seconds
        summed = removed = 0
        settled_days = self._windows.settled_days(before=now - settled if settled else None)
        for day in (day for day in settled_days if day + DAY <= now):
            self.sum_day(day)
            summed += 1
            if time.monotonic() > end:
                return Done(summed, removed)
        while old := self._windows.removable_day(before=now - self._keep_windows):
            self._statistics.remove_between(since=old, until=old + DAY)
            self._windows.mark_removed(old)
            removed += 1
            if time.monotonic() > end:
                break
        return Done(summed, removed)

    def sum_day(self, day: datetime) -> None:
        """Compute the statistics of a day from its windows; repeating it changes nothing."""
        if self._windows.was_removed(day):
            if day < datetime.now(UTC) - self._keep_facts:
                self._windows.rolled(self._windows.due_windows(day))
                return
            self._restore(day)
        due, rolled_at = self._windows.due_windows(day), datetime.now(UTC)
        self._statistics.sum_up(since=day, until=day + DAY, into=DailyStatistics.name, rolled_at=rolled_at)
        self._days.remove_older(day, rolled_at=rolled_at)
        self._windows.rolled(due)

    def _restore(self, day: datetime) -> None:
        """Count the windows of a day again from the facts: plays have come long after they were removed."""
        starts = self._facts.starts(since=day, until=day + DAY)
        self._windows.begin(starts)
        self._facts.count_windows([round(start.timestamp() * 1000) for start in starts])
        self._windows.end(starts)

    def different_days(self, *, since: datetime) -> list[datetime]:
        """The days from `since` on whose statistics are not the sums of their windows."""
        now = datetime.now(UTC)
        due = self._windows.due_days(since=since, until=now)
        days = self._days.days(since=since, until=now) - due
        return sorted(day for day in days if not self._windows.was_removed(day) and self._differs(day))

    def _differs(self, day: datetime) -> bool:
        for dimension in DIMENSIONS:
            of_windows = self._statistics.sums(dimension, since=day, until=day + DAY)
            if _by_key(of_windows) != _by_key(self._days.sums(dimension, [day])):
                return True
        return False


class LongStatistics:
    """Reads statistics of long periods, from days where possible."""

    def __init__(self, store: Store) -> None:
        self._windows, self._days = CountedWindows(store), DailyStatistics(store)
        self._statistics = ListeningStatistics(store)

    def sums(self, dimension: str, *, since: datetime, until: datetime, keys: Sequence[str] = ()) -> Sums:
        """The sums over the windows that begin in [since, until) by key, for all keys or only for `keys`."""
        days, spans = self._parts(since, until)
        sums = _by_key(self._days.sums(dimension, days, keys) if days else ())
        for first, last in spans:
            of_windows = self._statistics.sums(dimension, since=first, until=last, keys=keys)
            for key, counts in _by_key(of_windows).items():
                sums.setdefault(key, Counter()).update(counts)
        return sums

    def most_played(
        self, track_ids: Sequence[str], *, since: datetime, until: datetime, limit: int
    ) -> list[tuple[str, int]]:
        """The most played of some tracks with their plays, best first; tracks without plays are left out.

        A listener's plays of a track within a window count once: nobody moves the list by repeating a track.
        """
        plays: dict[str, int] = {}
        for part in batches(track_ids, _KEYS_AT_ONCE):
            for track_id, counts in self.sums("track", since=since, until=until, keys=part).items():
                if number := min(counts["plays"], counts["listeners"]):
                    plays[track_id] = number
        return sorted(plays.items(), key=lambda item: (-item[1], item[0]))[:limit]

    def between(
        self, dimension: str, *, since: datetime, until: datetime, keys: Sequence[str] = ()
    ) -> Iterator[Mapping[str, Any]]:
        """`start`, `key`, `listeners` and counts of days, and of the windows of days without statistics."""
        days, spans = self._parts(since, until)
        if days:
            yield from self._days.on(days, dimension, keys)
        for first, last in spans:
            yield from self._statistics.between(dimension, since=first, until=last, keys=keys)

    def _parts(
        self, since: datetime, until: datetime
    ) -> tuple[list[datetime], list[tuple[datetime, datetime]]]:
        """The days to read as such, and the spans around them to read by window."""
        first = day_of(since)
        first += DAY if first < since else timedelta(0)
        last = day_of(until)
        due = self._windows.due_days(since=first, until=last)
        days = sorted(self._days.days(since=first, until=last) - due)
        return days, list(_gaps(days, since, until))


def _gaps(days: Sequence[datetime], since: datetime, until: datetime) -> Iterator[tuple[datetime, datetime]]:
    """The spans of [since, until) that are not among the days, which are in order."""
    begins = since
    for day in days:
        if begins < day:
            yield begins, day
        begins = day + DAY
    if begins < until:
        yield begins, until


def _by_key(rows: Iterator[Mapping[str, Any]] | tuple[()]) -> Sums:
    return {row["_id"]: Counter({name: row[name] for name in _SUMMED}) for row in rows}
