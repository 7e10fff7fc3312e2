"""The stored engagement: facts, and the sessions and statistics that are computed from them.

Delivery: each of the three is an upsert by id, computed from all stored facts. A batch that is repeated after
a crash leaves the same documents.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from segue.engagement.definitions import Thresholds, fingerprint
from segue.engagement.facts import Fact
from segue.engagement.listening import Listening
from segue.engagement.listening_sessions import ListeningSessions
from segue.engagement.statistics import ListeningStatistics
from segue.settings import EngagementSettings
from segue.storage.damaged import DamagedDocument
from segue.storage.store import Store


class StoredEngagement:
    """The three collections, and the updates that follow a change of facts."""

    def __init__(self, store: Store, engagement: EngagementSettings, *, keep: timedelta) -> None:
        """Facts and sessions are removed after `keep`; statistics stay."""
        self._gap, self._most = engagement.session_gap, engagement.max_events_per_window
        self._definitions = fingerprint(engagement.window, Thresholds.of(engagement))
        self.listening, self.listening_sessions = Listening(store), ListeningSessions(store)
        self.statistics = ListeningStatistics(store)
        for collection in (self.listening, self.listening_sessions, self.statistics):
            collection.prepare()
        self.listening.keep(keep)
        self.listening_sessions.keep(keep)

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
                self.statistics.remove(key)
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
        self.listening.count_windows(sorted(set(starts)))

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
        self.statistics.remove_all_but(self.listening.starts(since=since), since=since)
