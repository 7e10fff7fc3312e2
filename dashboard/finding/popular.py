"""What is popular now: heard to the end or liked by the most listeners, of those who listened last."""

from __future__ import annotations

import threading
import time
from collections import Counter
from datetime import timedelta

from pymongo.database import Database

from dashboard.player.items import Item, read_items
from dashboard.queries import heard_in
from segue.storage.mongo import Document

LISTENERS = 300
"""So many tastes are read at most, so that the time does not grow with the number of listeners."""
RECENT = timedelta(days=1)
_LIKED = frozenset({"complete", "like"})
_GOOD_FOR = 30.0


class Popular:
    """Counts again twice a minute at most; made once a process, safe for use by several threads."""

    def __init__(self, database: Database[Document]) -> None:
        self._database = database
        self._lock = threading.Lock()
        self._counted_at = float("-inf")
        self._ids: list[str] = []

    def now(self, *, limit: int = 12) -> list[Item]:
        """The most popular tracks first; none before two listeners agree on one."""
        with self._lock:
            if time.monotonic() - self._counted_at > _GOOD_FOR:
                self._ids = _count(self._database)
                self._counted_at = time.monotonic()
            ids = self._ids[: 2 * limit]
        known = read_items(self._database, ids, source="home")
        return [known[track_id] for track_id in ids if track_id in known][:limit]


def _count(database: Database[Document]) -> list[str]:
    newest = database.recommendations.find({}, {"_id": 1}).sort("updated_at", -1).limit(LISTENERS)
    users = [found["_id"] for found in newest]
    since = (time.time() - RECENT.total_seconds()) * 1000
    listeners: Counter[str] = Counter()
    for taste in database.tastes.find({"_id": {"$in": users}}, {"windows": 1}):
        heard = heard_in(taste["windows"])
        listeners.update(track_id for track_id, kind, at in heard if kind in _LIKED and at >= since)
    agreed = [(track_id, count) for track_id, count in listeners.items() if count > 1]
    return [track_id for track_id, _ in sorted(agreed, key=lambda one: (-one[1], one[0]))]
