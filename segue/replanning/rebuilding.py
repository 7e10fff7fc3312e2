"""Rebuilds the damaged documents of listeners from the plays that the topic still has.

The stream continues without a damaged document, and writes new ones meanwhile. A rebuilt taste is therefore
compared with the stored one in a later round, and an entry counts as rebuilt only when nothing is missing.

Delivery: a round that is repeated writes the same documents. Windows whose plays retention has removed from
the topic are not restored if they were damaged; the copy in the entry keeps them.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Protocol

import pyarrow as pa

from segue.catalog.labels import TrackLabels
from segue.catalog.tracks import Tracks
from segue.engagement.definitions import Thresholds
from segue.engagement.facts import facts_of
from segue.engagement.listening import Listening
from segue.engagement.stored import StoredEngagement
from segue.index.track_index import TrackIndex
from segue.operations.damaged_documents import DamagedDocuments
from segue.people.forgotten import Forgotten
from segue.ranking.recommendations import Recommendations
from segue.replanning.service import Replanning
from segue.replanning.weighing import windows_of
from segue.settings import Settings
from segue.storage.damaged import DamagedDocument
from segue.storage.kafka_topics import truncated_at
from segue.storage.store import Store
from segue.taste.history import History, prune
from segue.taste.tastes import Tastes

log = logging.getLogger(__name__)
_AT_ONCE = 1000
"""Entries that a round takes; each round reads the topic once."""
_TASTE = ("tastes", "recommendations")


class RecordedWindows(Protocol):
    """The windows of some listeners' plays that the topic has now, as the streaming queries make them."""

    def signals(self, listeners: Collection[str]) -> pa.Table:
        """SignalWindow rows."""

    def events(self, listeners: Collection[str]) -> pa.Table:
        """EventWindow rows."""


class Rebuilding:
    """Rebuilds damaged documents, one round after the other."""

    def __init__(
        self,
        store: Store,
        settings: Settings,
        *,
        bundle: Callable[[], TrackIndex],
        recorded: RecordedWindows,
    ) -> None:
        """`bundle` gives the index in use, for the recommendations that a rebuilt taste needs."""
        self._store, self._settings, self._bundle, self._recorded = store, settings, bundle, recorded
        self._entries, self._tastes = DamagedDocuments(store), Tastes(store)
        self._recommendations = Recommendations(store)
        self._replanning = Replanning(store, settings)

    def run(self) -> int:
        """Rebuild the documents that are damaged now; returns the number of entries that are done."""
        entries = self._entries.to_rebuild(limit=_AT_ONCE)
        if not entries:
            return 0
        listeners = {user_id for entry in entries for user_id in _listeners_of(entry)}
        listeners -= Forgotten(self._store).among(listeners)
        rebuilt: list[str] = []
        lost: list[str] = []
        self._rebuild_tastes([e for e in entries if e["collection"] in _TASTE], listeners, rebuilt, lost)
        self._rebuild_counts([e for e in entries if e["collection"] not in _TASTE], listeners, rebuilt, lost)
        self._entries.mark_rebuilt(rebuilt)
        self._entries.mark_lost(lost)
        for words, keys in (("are rebuilt", rebuilt), ("cannot be rebuilt: their plays have expired", lost)):
            if keys:
                log.warning("%d damaged documents %s: %s", len(keys), words, ", ".join(sorted(keys)[:5]))
        return len(rebuilt)

    def _rebuild_tastes(
        self,
        entries: Sequence[DamagedDocument],
        here: set[str],
        rebuilt: list[str],
        lost: list[str],
    ) -> None:
        users = sorted({user_id for entry in entries for user_id in entry["listeners"]})
        if not users:
            return
        histories = self._histories(here.intersection(users))
        intact = self._tastes.intact(users) & self._recommendations.intact(users)
        missing, complete = {}, set()
        for listener in self._tastes.listeners(users, taste=self._settings.taste):
            user_id, stored = listener.user_id, listener.history
            # The stream has newer states of the windows that it has written since.
            whole = self._pruned(histories.get(user_id, {}) | stored)
            if whole == stored and user_id in intact:
                complete.add(user_id)
            elif whole:
                missing[user_id] = whole
        if missing:
            self._replanning.replan_histories(missing, bundle=self._bundle())
        for entry in entries:
            if complete.issuperset(entry["listeners"]):
                rebuilt.append(entry["_id"])
            elif not missing.keys() & set(entry["listeners"]):
                lost.append(entry["_id"])

    def _histories(self, users: Collection[str]) -> Mapping[str, History]:
        histories: dict[str, History] = {}
        table = self._recorded.signals(users)
        for user_id, start, window in windows_of(table, signals=self._settings.signals):
            histories.setdefault(user_id, {})[start] = window
        return histories

    def _pruned(self, history: History) -> History:
        return prune(history, taste=self._settings.taste, signals=self._settings.signals)

    def _rebuild_counts(
        self,
        entries: Sequence[DamagedDocument],
        here: set[str],
        rebuilt: list[str],
        lost: list[str],
    ) -> None:
        if not entries:
            return
        stored = StoredEngagement(self._store, self._settings)
        users = {user_id for entry in entries for user_id in _listeners_of(entry)}
        facts = facts_of(
            self._recorded.events(here & users),
            described=TrackLabels(Tracks(self._store)),
            thresholds=Thresholds.of(self._settings.engagement),
        )
        whole_since = truncated_at(self._settings.kafka) or 0
        facts = [fact for fact in facts if fact.start >= whole_since]
        starts = stored.remove_damaged(entries)
        stored.write(facts)
        stored.count(starts.union(fact.start for fact in facts))
        unfit = stored.damaged_facts(entries)
        for entry in entries:
            (lost if entry["_id"] in unfit else rebuilt).append(entry["_id"])


def _listeners_of(entry: DamagedDocument) -> Sequence[str]:
    """The listeners of an entry; those of a fact without a usable name are in its id."""
    if entry["collection"] == Listening.name and not entry["listeners"]:
        return [str(entry["document_id"]).partition(":")[2]]
    return entry["listeners"]
