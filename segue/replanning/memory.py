"""Keeps the long memory of listeners: computes its months from facts and from imported plays.

The facts of a month give its live part, as long as all of them are kept. Later the stored part stays as it
is. Imported and delayed plays are kept for ever, so that their part can be computed at any time.

Delivery: a month is computed as a whole and replaced (:mod:`segue.taste.memory`). A window of statistics is
marked when the memory has it, and the mark is gone when the window changes. So a crash, a recount and an
upgrade leave windows to do.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta

from segue.batches import batches
from segue.engagement.counted_windows import DAY, CountedWindows
from segue.engagement.daily import SETTLED
from segue.engagement.imported_facts import ImportedFacts
from segue.engagement.summed_listening import SummedListening
from segue.engagement.wandering import weights
from segue.imports.days import ImportedDays
from segue.people.forgotten import Forgotten
from segue.settings import Settings
from segue.storage.store import Store
from segue.taste.corrections import Corrections, Span
from segue.taste.memory import Loved, Memories, Month, Months, begins, month_of, strongest

_AT_ONCE = 100
"""Listeners that are read and written together."""


class MemoryKeeper:
    """Brings counted and imported plays into memories."""

    def __init__(self, store: Store, settings: Settings) -> None:
        self._store, self._settings = store, settings
        self._memories, self._corrections = Memories(store), Corrections(store)
        self._facts = SummedListening(store)
        self._windows, self._days = CountedWindows(store), ImportedDays(store)
        self._forgotten = Forgotten(store)
        self._weights = weights(settings.signals)

    def run(self, *, settled: timedelta = SETTLED, seconds: float = 20.0) -> int:
        """Take the windows that memories lack, for about `seconds`.

        Days whose windows still change are left for later. Returns the number of months that were computed,
        of all listeners.
        """
        before, end = datetime.now(UTC) - settled, time.monotonic() + seconds
        by_month: dict[int, list[datetime]] = defaultdict(list)
        for day in self._windows.days_to_remember(before=before if settled else None):
            by_month[month_of(day)].append(day)
        done = 0
        for number in sorted(by_month, reverse=True):
            windows = self._windows.windows_to_remember(by_month[number])
            listeners = sorted(self._facts.listeners_on(by_month[number]))
            for part in batches(listeners, _AT_ONCE):
                self._keep_live(part, [number])
                done += len(part)
            self._windows.remembered(windows)
            if time.monotonic() > end:
                break
        return done

    def renew(self, user_ids: Iterable[str]) -> list[str]:
        """Compute the memories of listeners again, after a change of imported plays or of corrections.

        Returns the listeners.
        """
        listeners = list(user_ids)
        for user_id in listeners:
            months = self._facts.months_of(user_id)
            self._keep_live([user_id], sorted({month_of(start) for start in months}))
            self._keep_imported(user_id)
        return listeners

    def _keep_live(self, user_ids: Sequence[str], numbers: Sequence[int]) -> None:
        here = [user_id for user_id in user_ids if user_id not in self._forgotten.among(user_ids)]
        stored, spans = self._memories.months(here), self._corrections.spans(here)
        memories = {user_id: stored.get(user_id, {}) for user_id in here}
        for number in numbers:
            whole = begins(number) > datetime.now(UTC) - self._settings.retention.listening + DAY
            live = self._live(here, number, spans)
            for user_id, months in memories.items():
                month = months.get(number, Month())
                # Of a month that has lost facts, the sums from when it was whole are kept.
                if whole or not month.live.tracks:
                    months[number] = Month(live.get(user_id, Loved()), month.imported)
        self._write(memories)

    def _live(
        self, user_ids: Sequence[str], number: int, spans: Mapping[str, Sequence[Span]]
    ) -> dict[str, Loved]:
        sums: dict[str, dict[str, tuple[float, int]]] = defaultdict(dict)
        for user_id, left_out in _by_spans(user_ids, spans):
            found = self._facts.sums_by_track(
                user_id, since=begins(number), until=begins(number + 1), without=left_out
            )
            for own, track_id, counts, last in found:
                weight = sum(counts[name] * each for name, each in self._weights.items())
                sums[own][track_id] = weight, round(last.timestamp() * 1000)
        return {user_id: strongest(own) for user_id, own in sums.items()}

    def _keep_imported(self, user_id: str) -> None:
        if self._forgotten.among([user_id]):
            return
        months = self._memories.months([user_id]).get(user_id, {})
        spans = self._corrections.spans([user_id]).get(user_id, ())
        imported = self._imported(user_id, spans)
        self._write(
            {
                user_id: {
                    number: Month(months.get(number, Month()).live, imported.get(number, Loved()))
                    for number in sorted({*months, *imported})
                }
            }
        )

    def _imported(self, user_id: str, spans: Sequence[Span]) -> dict[int, Loved]:
        first, last = self._days.began(user_id), self._days.ended(user_id)
        if first is None or last is None:
            return {}
        facts = ImportedFacts(self._store, user_id, self._settings.engagement)
        until, now = last + 2 * DAY, datetime.now(UTC)
        sums: dict[int, dict[str, tuple[float, int]]] = defaultdict(dict)
        since = first
        while since < until:
            ends = min(begins(12 * (since.year + 1)), until)
            for fact in facts.of((), since=since, until=ends):
                moment = datetime.fromtimestamp(fact.start / 1000, UTC)
                if moment > now or any(fact.start in span for span in spans):
                    continue
                own = sums[month_of(moment)]
                for row in fact.rows:
                    if not row["track_id"]:
                        continue
                    weight, at = own.get(row["track_id"], (0.0, 0))
                    weight += sum(row[name] * each for name, each in self._weights.items())
                    own[row["track_id"]] = weight, max(at, fact.start)
            since = ends
        return {number: strongest(own) for number, own in sums.items()}

    def _write(self, memories: Mapping[str, Months]) -> None:
        memory = self._settings.memory
        self._memories.write(memories, half_life=memory.half_life, most=memory.tracks)


def _by_spans(
    user_ids: Collection[str], spans: Mapping[str, Sequence[Span]]
) -> Iterable[tuple[list[str], Sequence[Span]]]:
    """The listeners without corrections of evenings together, and each of the others."""
    plain = [user_id for user_id in user_ids if not spans.get(user_id)]
    if plain:
        yield plain, ()
    for user_id in user_ids:
        if spans.get(user_id):
            yield [user_id], spans[user_id]
