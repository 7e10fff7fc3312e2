"""Each listener's queue, stored with the account: another device, or a new tab, continues there.

Delivery: one document for each listener, with a version that grows with each change. A player whose version
is not the stored one changes nothing: it reads the queue, applies its change to that, and writes again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import NotRequired, TypedDict

from segue.storage.mongo import Document, DuplicateKeyError
from segue.storage.records import Count
from segue.storage.store import Collection, Job, Personal, Policy, Right

LONGEST = 10_000
"""The most songs of a stored queue, as of a playlist."""


class QueuedTrack(TypedDict):
    """A song of a queue."""

    key: str
    """The player's name for this place in the queue, which may contain a song twice."""
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
    version: Count
    """How often it was changed."""


@dataclass(frozen=True, kw_only=True)
class Queue:
    """A queue at the time when it was read."""

    tracks: Sequence[QueuedTrack]
    at: int
    position_ms: int
    player: str
    changed_at: datetime
    version: int


class Queues(Collection[StoredQueue]):
    """The queues of all listeners.

    Safe for use by several threads and processes.
    """

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
            version=stored["version"],
        )

    def keep(
        self,
        user_id: str,
        tracks: Sequence[QueuedTrack] | None,
        *,
        at: int,
        position_ms: int,
        player: str,
        version: int,
    ) -> int | None:
        """Store a listener's queue in place of the one with this version.

        Parameters
        ----------
        tracks
            At most :data:`LONGEST` songs; None keeps the stored ones.
        version
            The version that the player has read; 0 if no queue was stored.

        Returns
        -------
        The new version; None if another player has changed the queue since.
        """
        changed: Document = {
            "at": at,
            "position_ms": position_ms,
            "player": player,
            "changed_at": datetime.now(UTC),
        }
        if tracks is not None:
            changed["tracks"] = list(tracks[:LONGEST])
        first = version == 0 and tracks is not None
        try:
            written = self.documents.update_one(
                {"_id": user_id, "version": version}, {"$set": changed, "$inc": {"version": 1}}, upsert=first
            )
        except DuplicateKeyError:
            return None
        return version + 1 if written.matched_count or written.upserted_id is not None else None
