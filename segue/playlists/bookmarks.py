"""Bookmarks: positions in long recordings, one for each listener and track.

Delivery: one document for each listener and track; a newer bookmark replaces it.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TypedDict

from segue.errors import SegueError
from segue.storage.mongo import DESCENDING
from segue.storage.records import Count
from segue.storage.store import Collection, Index, Job, Personal, Policy, Right

MOST = 1000
"""The most bookmarks of a listener."""
LONGEST_COMMENT = 500


class BookmarkError(SegueError):
    """A bookmark was not set; the message is for the listener."""


class Bookmark(TypedDict):
    """A document of `bookmarks`."""

    _id: str
    """"<user id>:<track id>"."""
    user_id: str
    """The listener's id."""
    track_id: str
    """The track's id."""
    position_ms: Count
    """Position in the track in milliseconds."""
    comment: str
    """The listener's comment."""
    created_at: datetime
    """When the bookmark was first set."""
    changed_at: datetime
    """When it was last set."""


class Bookmarks(Collection[Bookmark]):
    """All listeners' bookmarks."""

    name = "bookmarks"
    policy = Policy(
        personal=Personal(owner=("user_id",)),
        access={Job.DASHBOARD: Right.WRITE | Right.INDEX, Job.OPERATOR: Right.WRITE},
    )
    indexes = (Index(keys=[("user_id", 1), ("changed_at", DESCENDING)]),)

    def of(self, user_id: str) -> list[Bookmark]:
        """A listener's bookmarks, the last set first."""
        found = self.documents.find({"user_id": user_id}).sort("changed_at", DESCENDING)
        return list(found.limit(MOST))

    def put(self, user_id: str, track_id: str, *, position_ms: int, comment: str) -> None:
        """Set a bookmark, in place of the one that the track has.

        Raises
        ------
        BookmarkError
            The listener has too many bookmarks.
        """
        now = datetime.now(UTC)
        fields = {
            "user_id": user_id,
            "track_id": track_id,
            "position_ms": position_ms,
            "comment": comment[:LONGEST_COMMENT],
            "changed_at": now,
        }
        change = {"$set": fields, "$setOnInsert": {"created_at": now}}
        if not self.upsert_within(_id(user_id, track_id), change, {"user_id": user_id}, most=MOST):
            raise BookmarkError(f"You have {MOST} bookmarks: delete one to set another.")

    def remove(self, user_id: str, track_id: str) -> None:
        """Remove a bookmark; nothing happens if there is none."""
        self.documents.delete_one({"_id": _id(user_id, track_id)})


def _id(user_id: str, track_id: str) -> str:
    return f"{user_id}:{track_id}"
