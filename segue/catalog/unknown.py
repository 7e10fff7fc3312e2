"""Played tracks that the catalogue does not have: the collection `unknown_tracks`.

Delivery: the first time only decreases and the last only increases; repeating a write changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypedDict

from segue.storage.mongo import UpdateOne
from segue.storage.store import Collection, Job, Policy, Right


class UnknownTrack(TypedDict):
    """A document of `unknown_tracks`."""

    _id: str
    """The track's id."""
    first_at: int
    """Epoch ms of the first play; `last_at` is that of the last."""
    last_at: int
    """Epoch ms of the last play."""


class UnknownTracks(Collection[UnknownTrack]):
    """The tracks that plays name and the catalogue lacks."""

    name = "unknown_tracks"
    policy = Policy(computed=True, access={Job.STREAM: Right.WRITE, Job.OPERATOR: Right.READ})

    def note(self, played: Iterable[tuple[str, int]]) -> None:
        """Store the ids of unknown tracks with the times of their plays (epoch ms)."""
        operations: list[UpdateOne] = [
            UpdateOne({"_id": track_id}, {"$min": {"first_at": at}, "$max": {"last_at": at}}, upsert=True)
            for track_id, at in played
        ]
        if operations:
            self.documents.bulk_write(operations, ordered=False)
