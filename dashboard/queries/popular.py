"""What all listeners hear: popular and rising tracks, from the statistics of the last hours."""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime, timedelta

from pymongo.database import Database

from segue.dashboard.queries.items import Item, noted_items
from segue.engagement.popular import Heard, popular, rising
from segue.storage.mongo import Document
from segue.storage.store import Store

POPULAR_OVER = timedelta(hours=24)
RISING_OVER = timedelta(minutes=45)
"""Some windows, of which the last may have just begun."""
RISING_AGAINST = timedelta(hours=24)
_GOOD_FOR = 30.0


class Popular:
    """Counts again twice a minute at most; made once a process, safe for use by several threads."""

    def __init__(self, database: Database[Document]) -> None:
        self._database = database
        self._lock = threading.Lock()
        self._counted_at = float("-inf")
        self._now: list[Item] = []
        self._rising: list[Item] = []

    def now(self, *, limit: int = 12) -> list[Item]:
        """See :func:`popular_now`."""
        self._count()
        return self._now[:limit]

    def rising(self, *, limit: int = 12) -> list[Item]:
        """See :func:`rising_now`."""
        self._count()
        return self._rising[:limit]

    def _count(self) -> None:
        with self._lock:
            if time.monotonic() - self._counted_at > _GOOD_FOR:
                self._now, self._rising = popular_now(self._database), rising_now(self._database)
                self._counted_at = time.monotonic()


def popular_now(database: Database[Document], *, limit: int = 12, now: datetime | None = None) -> list[Item]:
    """The tracks that most listeners have heard and kept in the last day."""
    now = now or datetime.now(UTC)
    found = popular(_heard(database, now - POPULAR_OVER, now), limit=2 * limit)
    return noted_items(Store(database), [(one.key, _times(one.plays)) for one in found], source="home")[
        :limit
    ]


def rising_now(database: Database[Document], *, limit: int = 12, now: datetime | None = None) -> list[Item]:
    """The tracks that are heard much more than in the day before."""
    now = now or datetime.now(UTC)
    turn = now - RISING_OVER
    before = _heard(database, turn - RISING_AGAINST, turn)
    found = rising(_heard(database, turn, now), before, limit=2 * limit)
    return noted_items(Store(database), [(one.key, _times(one.now)) for one in found], source="home")[:limit]


def _heard(database: Database[Document], since: datetime, until: datetime) -> list[Heard]:
    """Counts by track of the windows that begin in [since, until)."""
    sums = {name: {"$sum": f"${name}"} for name in ("plays", "skips", "listeners")}
    found = database.listening_stats.aggregate(
        [
            {"$match": {"dimension": "track", "start": {"$gte": since, "$lt": until}}},
            {"$group": {"_id": "$key", **sums}},
        ]
    )
    return [Heard(one["_id"], one["plays"], one["skips"], one["listeners"]) for one in found]


def _times(count: int) -> str:
    return f"{count} plays" if count != 1 else "1 play"
