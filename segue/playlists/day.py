"""Lists made for a day, kept so that a listener sees the same all day, whatever they play meanwhile."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta

from pymongo.database import Database

from segue.storage.mongo import Document, keep_for

_KEPT = timedelta(days=2)
"""A day is over everywhere."""


class DayLists:
    """Safe for use by several threads and processes: of two that make a list at once, the first stays."""

    def __init__(self, database: Database[Document]) -> None:
        self._lists = database.day_lists
        keep_for(database, self._lists.name, "at", _KEPT)

    def read(self, user_id: str, kind: str, day: date) -> list[str] | None:
        """The tracks of a listener's list; None before it is made."""
        found = self._lists.find_one({"_id": _name(user_id, kind, day)}, {"tracks": 1})
        return None if found is None else list(found["tracks"])

    def keep(self, user_id: str, kind: str, day: date, tracks: Sequence[str]) -> list[str]:
        """Keep a list for its day, unless there is one; gives the one that is there then."""
        fields = {"user_id": user_id, "tracks": list(tracks), "at": datetime.now(UTC)}
        self._lists.update_one({"_id": _name(user_id, kind, day)}, {"$setOnInsert": fields}, upsert=True)
        return self.read(user_id, kind, day) or list(tracks)


def _name(user_id: str, kind: str, day: date) -> str:
    return f"{kind}:{day}:{user_id}"
