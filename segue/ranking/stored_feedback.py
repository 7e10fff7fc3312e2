"""Feedback on tracks in MongoDB: made from the statistics, and read by the recommender without a restart.

Delivery: a version is a hash of its contents and is written before it is made the active one, so that a
reader sees the old or the new one, whole.
"""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime

import numpy as np
from pymongo.database import Database

from segue.models.active import ActiveVersion
from segue.models.versions import Models
from segue.ranking.feedback import NO_FEEDBACK, Feedback, Records, steps
from segue.settings import Settings
from segue.storage.mongo import Document, pack, unpack
from segue.storage.store import Store

KIND = "feedback"
_MOST = 300_000
"""Tracks in a version, the furthest moved first: a document of MongoDB has at most 16 MB."""
_SMALLEST = 1e-4


def publish(database: Database[Document], settings: Settings) -> None:
    """Sum up what listeners did, and make it the active feedback if it has changed."""
    records = _records(database, since=datetime.now(UTC) - settings.engagement.feedback_span)
    moved = steps(records, ranking=settings.ranking)
    far = np.flatnonzero(np.abs(moved) > _SMALLEST)
    far = np.sort(far[np.argsort(-np.abs(moved[far]), kind="stable")][:_MOST])
    names = [records.track_ids[i] for i in far.tolist()]
    values = pack(np.round(moved[far], 4))
    version = hashlib.blake2b("\n".join(names).encode() + values, digest_size=8).hexdigest()
    models = Models(Store(database))
    before = models.active_version(KIND)
    if version == before:
        return
    fields = {"track_ids": names, "steps": values}
    models.put(KIND, version, fields, created_at=datetime.now(UTC))
    models.activate(KIND, version)
    # The one before may still be read by a worker that was told of it.
    models.remove_all_but(KIND, [version] if before is None else [version, before])


def _records(database: Database[Document], *, since: datetime) -> Records:
    counted = ("plays", "early_skips", "likes", "listeners")
    found = list(
        database.listening_stats.aggregate(
            [
                {"$match": {"dimension": "track", "start": {"$gte": since}}},
                {"$group": {"_id": "$key", **{name: {"$sum": f"${name}"} for name in counted}}},
                {"$match": {"plays": {"$gt": 0}}},
                {"$sort": {"_id": 1}},
            ]
        )
    )
    plays, skips, likes, listeners = (np.array([one[name] for one in found], dtype=float) for name in counted)
    return Records([one["_id"] for one in found], plays, skips, likes, listeners)


def read(database: Database[Document], version: str) -> Feedback:
    """A version; none of it where it has been replaced twice since."""
    found = Models(Store(database)).fields(KIND, version or None)
    if found is None:
        return NO_FEEDBACK
    return Feedback(version, dict(zip(found["track_ids"], unpack(found["steps"]).tolist(), strict=True)))


class ActiveFeedback(ActiveVersion[Feedback]):
    """Gives the active feedback; none before the first is published."""

    kind = KIND

    def __init__(self, store: Store, *, every: float = 2.0) -> None:
        super().__init__(store, every=every, initial=NO_FEEDBACK)

    def read(self, version: str | None) -> Feedback:
        """A version, or none of it where none is active."""
        return read(self.store.database, version or "")
