"""Lists made for a day, stored so that a listener sees the same list all day."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import TypedDict

from segue.storage.store import Collection, Index, Job, Personal, Policy, Right

_KEPT = timedelta(days=2)
"""The time after which a day is over in every time zone."""


class DayList(TypedDict):
    _id: str
    """"<kind>:<day>:<user id>"."""
    user_id: str
    """The listener's id."""
    tracks: list[str]
    """Track ids in order."""
    at: datetime
    """When the list was generated."""


class DayLists(Collection[DayList]):
    """The generated lists of a day, such as the daily mix.

    Safe for use by several threads and processes: if two make a list at once, the first stays.
    """

    name = "day_lists"
    policy = Policy(
        computed=True,
        personal=Personal(owner=("user_id",)),
        access={Job.DASHBOARD: Right.WRITE | Right.INDEX, Job.OPERATOR: Right.WRITE},
    )
    indexes = (Index.on("at", keep=_KEPT), Index.on("user_id"))

    def read(self, user_id: str, kind: str, day: date) -> list[str] | None:
        """The tracks of a listener's list; None before it is made."""
        document = self.documents.find_one({"_id": _key(user_id, kind, day)}, {"tracks": 1})
        return None if document is None else list(document["tracks"])

    def keep(self, user_id: str, kind: str, day: date, tracks: Sequence[str]) -> list[str]:
        """Store a list for its day, unless there is one; returns the stored list."""
        fields = {"user_id": user_id, "tracks": list(tracks), "at": datetime.now(UTC)}
        self.documents.update_one({"_id": _key(user_id, kind, day)}, {"$setOnInsert": fields}, upsert=True)
        return self.read(user_id, kind, day) or list(tracks)


def _key(user_id: str, kind: str, day: date) -> str:
    return f"{kind}:{day}:{user_id}"
