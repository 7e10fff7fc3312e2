"""The listeners' mood dials, kept from visit to visit.

Delivery: one document for each listener; a dial is written over the former one.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TypedDict

from segue.moods.dial import Dial
from segue.storage.store import Collection, Job, Personal, Policy, Right


class StoredDial(TypedDict):
    _id: str
    """The listener's id."""
    notches: dict[str, int]
    """By dimension, -2 to 2."""
    at: datetime


class MoodDials(Collection[StoredDial]):
    """All listeners' dials."""

    name = "mood_dials"
    policy = Policy(personal=Personal(), access={Job.DASHBOARD: Right.WRITE, Job.OPERATOR: Right.WRITE})

    def read(self, user_id: str) -> Dial:
        """A listener's dial; open where nothing is kept."""
        document = self.documents.find_one({"_id": user_id})
        return Dial(document.get("notches", {}) if document else {})

    def keep(self, user_id: str, dial: Dial) -> None:
        """Write a listener's dial over the former one."""
        fields = {"notches": dial.wanted, "at": datetime.now(UTC)}
        self.documents.update_one({"_id": user_id}, {"$set": fields}, upsert=True)
