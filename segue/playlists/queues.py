"""Each listener's queue, stored with the account: another device, or a new tab, continues there.

Delivery: one document for each listener. The last player that changes the queue wins.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import NotRequired, TypedDict

from segue.storage.records import Count
from segue.storage.store import Collection, Job, Personal, Policy, Right

LONGEST = 500
"""The most songs of a stored queue."""


class QueuedTrack(TypedDict):
    """A song of a queue."""

    track_id: str
    """Track id."""
    source: str
    """Where it was chosen, as in the field `source` of a play."""
    queued: bool
    """Whether the listener added it to the queue, rather than playing a list that contains it."""
    recommendation_id: NotRequired[str]
    """The recommendation that it came from."""
    rank: NotRequired[int]
    """Its place in the recommendation, from 1."""
    model: NotRequired[str]
    """The field `model` of its plays."""


class StoredQueue(TypedDict):
    """A stored queue."""

    _id: str
    """The listener's id."""
    tracks: list[QueuedTrack]
    """The last songs played, the present one, and the listener's choices that follow; no recommendations."""
    at: Count
    """Place of the present song, from 0."""
    position_ms: Count
    """Position in the present song in milliseconds."""
    player: str
    """The browser tab or app that stored it."""
    changed_at: datetime
    """When it was stored."""


@dataclass(frozen=True, kw_only=True)
class Queue:
    """A queue at the time when it was read."""

    tracks: Sequence[QueuedTrack]
    at: int
    position_ms: int
    player: str
    changed_at: datetime


class Queues(Collection[StoredQueue]):
    """The queues of all listeners. Safe for use by several threads and processes."""

    name = "queues"
    policy = Policy(
        personal=Personal(owner=("_id",)),
        access={Job.DASHBOARD: Right.WRITE, Job.OPERATOR: Right.WRITE},
    )

    def read(self, user_id: str) -> Queue | None:
        """A listener's queue; None if none is stored."""
        stored = self.documents.find_one({"_id": user_id})
        if stored is None:
            return None
        return Queue(
            tracks=stored["tracks"],
            at=stored["at"],
            position_ms=stored["position_ms"],
            player=stored["player"],
            changed_at=stored["changed_at"],
        )

    def keep(
        self, user_id: str, tracks: Sequence[QueuedTrack], *, at: int, position_ms: int, player: str
    ) -> None:
        """Store a listener's queue in place of the former one; at most :data:`LONGEST` songs of it."""
        first = max(0, min(at - LONGEST // 2, len(tracks) - LONGEST))
        stored = {
            "tracks": list(tracks[first : first + LONGEST]),
            "at": at - first,
            "position_ms": position_ms,
            "player": player,
            "changed_at": datetime.now(UTC),
        }
        self.documents.update_one({"_id": user_id}, {"$set": stored}, upsert=True)
