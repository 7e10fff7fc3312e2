"""The stored engagement: facts, and the sessions and statistics that are computed from them.

Delivery: each is an upsert by id, computed from all stored facts. A batch that is repeated after a crash
leaves the same documents. The marks of :mod:`segue.engagement.counted_windows` tell the readers of sums which
windows have changed.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta

from segue.engagement.counted_windows import CountedWindows
from segue.engagement.daily import SETTLED, DailyRollUp, Done
from segue.engagement.daily_statistics import DailyStatistics
from segue.engagement.definitions import Thresholds, fingerprint
from segue.engagement.facts import Fact
from segue.engagement.listening import Listening
from segue.engagement.listening_sessions import ListeningSessions
from segue.engagement.statistics import ListeningStatistics
from segue.settings import Settings
from segue.storage.damaged import DamagedDocument
from segue.storage.store import Store


class StoredEngagement:
    """The collections of engagement, and the updates that follow a change of facts."""

    def __init__(self, store: Store, settings: Settings) -> None:
        engagement, retention = settings.engagement, settings.retention
        self._gap, self._most = engagement.session_gap, engagement.max_events_per_window
        self._definitions = fingerprint(engagement.window, Thresholds.of(engagement))
        self.listening, self.listening_sessions = Listening(store), ListeningSessions(store)
        self.statistics, self.days = ListeningStatistics(store), DailyStatistics(store)
        self.windows = CountedWindows(store)
        for collection in (
            self.listening,
            self.listening_sessions,
            self.statistics,
            self.days,
            self.windows,
        ):
            collection.prepare()
        self.listening.keep(retention.listening)
        self.listening_sessions.keep(retention.listening)
        self.days.keep(retention.daily_statistics)
        self.windows.keep(retention.daily_statistics)
        self._roll_up = DailyRollUp(store, settings)

    def adopt(self) -> None:
        """Mark the windows that an earlier release has counted, so that their days are summed."""
        self.windows.adopt(self.statistics.starts())

    def write(self, facts: Sequence[Fact]) -> None:
        """Store facts and rebuild the sessions around them; :meth:`count` updates the statistics."""
        self.listening.write(facts, definitions=self._definitions, most=self._most)
        self.listening_sessions.rebuild(
            facts, listening=self.listening, gap=self._gap, definitions=self._definitions
        )

    def remove_damaged(self, entries: Iterable[DamagedDocument]) -> set[int]:
        """Remove damaged sessions and statistics, which :meth:`write` and :meth:`count` do not replace.

        Returns
        -------
        The starts (epoch ms) of the windows of these statistics.
        """
        starts = set()
        for entry in entries:
            key = entry["document_id"]
            if entry["collection"] == ListeningSessions.name:
                self.listening_sessions.remove(key)
            elif entry["collection"] == ListeningStatistics.name:
                self.statistics.remove_document(key)
                if isinstance(key, dict) and isinstance(start := key.get("start"), datetime):
                    starts.add(round(start.timestamp() * 1000))
        return starts

    def damaged_facts(self, entries: Iterable[DamagedDocument]) -> set[str]:
        """Those entries of facts under whose id no intact fact is stored."""
        facts = {
            entry["document_id"]: entry["_id"] for entry in entries if entry["collection"] == Listening.name
        }
        intact = self.listening.intact(list(facts))
        return {key for document_id, key in facts.items() if document_id not in intact}

    def count(self, starts: Iterable[int]) -> None:
        """Compute the statistics of these windows (epoch ms) from their facts."""
        windows = sorted(set(starts))
        times = [_time(start) for start in windows]
        self.windows.begin(times)
        self.listening.count_windows(windows)
        self.windows.end(times)

    def recount(self, starts: Iterable[int]) -> None:
        """Do :meth:`count`, and remove the statistics of keys that the facts no longer have."""
        for start in sorted(set(starts)):
            # Read before the facts, so that a key that a stream adds meanwhile is not removed.
            time, stored = _time(start), self.statistics.keys_in(_time(start))
            self.windows.begin([time])
            self.listening.count_windows([start])
            if gone := stored - self.listening.keys_in(time):
                self.statistics.remove_keys(time, gone)
            self.windows.end([time])

    def roll_up(self, *, settled: timedelta = SETTLED, seconds: float = 20.0) -> Done:
        """Compute the statistics of days that have ended (:class:`segue.engagement.daily.DailyRollUp`)."""
        return self._roll_up.run(settled=settled, seconds=seconds)

    def different_days(self, *, since: datetime) -> list[datetime]:
        """The days from `since` on whose statistics are not the sums of their windows."""
        return self._roll_up.different_days(since=since)

    def different(self, facts: Sequence[Fact]) -> int:
        """The number of these facts that differ from the stored ones or are missing."""
        return self.listening.different(facts, definitions=self._definitions)

    def count_outdated(self, *, since: datetime) -> int:
        """The number of facts from `since` on that have other definitions."""
        return self.listening.count_outdated(since=since, definitions=self._definitions)

    def remove_outdated(self, *, since: datetime) -> None:
        """Remove the facts from `since` on that have other definitions."""
        self.listening.remove_outdated(since=since, definitions=self._definitions)

    def remove_statistics_without_facts(self, *, since: datetime) -> None:
        """Remove the statistics of windows from `since` on that have no facts any more."""
        gone = sorted({*self.statistics.starts(since=since)} - {*self.listening.starts(since=since)})
        self.windows.begin(gone)
        self.statistics.remove(gone)
        self.windows.end(gone)


def _time(epoch_ms: int) -> datetime:
    return datetime.fromtimestamp(epoch_ms / 1000, UTC)
