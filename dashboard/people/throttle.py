"""Counts failures by name and by address, in MongoDB, so that several dashboards count together."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from pymongo.database import Database

from segue.dashboard.people.sessions import now
from segue.storage.mongo import Document

WINDOW = timedelta(minutes=15)
LIMITS = {"name": 10, "address": 50, "sign-up": 20}
"""So many failures of a kind within the window, and the next attempt is not looked at."""


class Throttle:
    """A source is "<kind>:<what>", with the kinds of :data:`LIMITS`."""

    def __init__(self, database: Database[Document], *, clock: Callable[[], datetime] = now) -> None:
        self._failures, self._clock = database.login_failures, clock
        self._failures.create_index("expires_at", expireAfterSeconds=0)

    def exceeded(self, source: str) -> bool:
        """Whether a source has failed too often within the window."""
        found = self._failures.find_one({"_id": source, "expires_at": {"$gt": self._clock()}})
        return found is not None and found["count"] >= LIMITS[source.partition(":")[0]]

    def count(self, source: str) -> None:
        """Note a failure; the window begins with the first one."""
        self._failures.delete_one({"_id": source, "expires_at": {"$lte": self._clock()}})
        self._failures.update_one(
            {"_id": source},
            {"$inc": {"count": 1}, "$setOnInsert": {"expires_at": self._clock() + WINDOW}},
            upsert=True,
        )

    def forget(self, source: str) -> None:
        """A success clears what was counted."""
        self._failures.delete_one({"_id": source})
