"""Freshness: the time from a play until the listener's recommendations reflect it."""

from __future__ import annotations

import threading
import time
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime

import numpy as np

from segue.ranking.recommendations import Recommendations
from segue.storage.store import Store


class FreshnessWatch:
    """Watches recommendations change, and matches plays with the documents that reflect them.

    It polls instead of opening a change stream, so that it works with any MongoDB. A document that is
    replaced between two polls is missed, and its plays are counted with the later one: latencies are never
    too low.
    """

    def __init__(self, store: Store, *, every: float = 0.01) -> None:
        self._recommendations, self._every = Recommendations(store), every
        self._seen: dict[str, list[tuple[int, int]]] = defaultdict(list)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="freshness", daemon=True)

    def __enter__(self) -> FreshnessWatch:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _watch(self) -> None:
        last: datetime | None = None
        while not self._stop.is_set():
            for written in self._recommendations.written_since(last):
                moment = written.updated_at
                last = moment if last is None or moment > last else last
                seen = self._seen[written.user_id]
                if not seen or written.reflects_at > seen[-1][0]:
                    seen.append((written.reflects_at, round(moment.timestamp() * 1000)))
            time.sleep(self._every)

    def latencies(self, plays: Iterable[tuple[str, int]]) -> tuple[np.ndarray, int]:
        """Milliseconds from each play to the first observed document that reflects it.

        Parameters
        ----------
        plays
            (user_id, occurred_at in epoch ms) of events that are signals.

        Returns
        -------
        (n,) float64 of the reflected plays, and the number of plays that are not reflected.
        """
        latencies, unseen = [], 0
        for user, occurred_at in plays:
            seen = self._seen.get(user, [])
            place = bisect_left(seen, (occurred_at, 0))
            if place < len(seen):
                latencies.append(seen[place][1] - occurred_at)
            else:
                unseen += 1
        return np.asarray(latencies, dtype=np.float64), unseen
