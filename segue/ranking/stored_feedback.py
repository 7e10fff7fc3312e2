"""Feedback on tracks in MongoDB: made from the statistics, and read by the recommender without a restart.

Delivery: a version is a hash of its contents and is written before it is made the active one, so that a
reader sees the old or the new one, whole.
"""

from __future__ import annotations

import contextlib
import hashlib
import time
from datetime import UTC, datetime

import numpy as np
from pymongo.database import Database

from segue.ranking.feedback import NO_FEEDBACK, Feedback, Records, steps
from segue.settings import Ranking
from segue.storage.mongo import Document, Unreachable, activate, active_version, pack, unpack

KIND = "feedback"
_MOST = 300_000
"""Tracks in a version, the furthest moved first: a document of MongoDB has at most 16 MB."""
_SMALLEST = 1e-4


def publish(database: Database[Document], records: Records, *, ranking: Ranking) -> None:
    """Make what listeners did the active feedback, if it has changed."""
    moved = steps(records, ranking=ranking)
    far = np.flatnonzero(np.abs(moved) > _SMALLEST)
    far = np.sort(far[np.argsort(-np.abs(moved[far]), kind="stable")][:_MOST])
    names = [records.track_ids[i] for i in far.tolist()]
    values = pack(np.round(moved[far], 4))
    version = hashlib.blake2b("\n".join(names).encode() + values, digest_size=8).hexdigest()
    before = active_version(database, KIND)
    if version == before:
        return
    fields = {"kind": KIND, "created_at": datetime.now(UTC), "track_ids": names, "steps": values}
    database.models.update_one({"_id": f"{KIND}:{version}"}, {"$set": fields}, upsert=True)
    activate(database, KIND, version)
    # The one before may still be read by a worker that was told of it.
    kept = [f"{KIND}:{version}", f"{KIND}:{before}"]
    database.models.delete_many({"kind": KIND, "_id": {"$nin": kept}})


def read(database: Database[Document], version: str) -> Feedback:
    """A version; none of it where it has been replaced twice since."""
    found = database.models.find_one({"_id": f"{KIND}:{version}"}) if version else None
    if found is None:
        return NO_FEEDBACK
    return Feedback(version, dict(zip(found["track_ids"], unpack(found["steps"]).tolist(), strict=True)))


class ActiveFeedback:
    """Gives the version in use, and looks at most every `every` seconds whether there is a newer one."""

    def __init__(self, database: Database[Document], *, every: float = 2.0) -> None:
        self._database, self._every = database, every
        self._current = NO_FEEDBACK
        self._looked = float("-inf")

    def current(self) -> Feedback:
        """The active feedback; none before the first is published, the last known while MongoDB is away."""
        if time.monotonic() - self._looked >= self._every:
            # Whoever writes to MongoDB next waits for it.
            with contextlib.suppress(*Unreachable):
                self._follow()
            self._looked = time.monotonic()
        return self._current

    def _follow(self) -> None:
        version = active_version(self._database, KIND) or ""
        if version != self._current.version:
            self._current = read(self._database, version)
