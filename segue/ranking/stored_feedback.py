"""Stored feedback on tracks: made from the statistics, and read by the recommender without a restart.

Delivery: a version is a hash of its contents and is written before it is made the active one, so that a
reader sees the old or the new one, whole.
"""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime

import numpy as np

from segue.models.active import ActiveVersion
from segue.models.versions import Models
from segue.ranking.feedback import NO_FEEDBACK, Feedback, Records, steps
from segue.settings import RankingSettings
from segue.storage.mongo import pack, unpack
from segue.storage.store import Store

KIND = "feedback"
_MOST = 300_000
"""Tracks in a version, the furthest moved first: a document of MongoDB has at most 16 MB."""
_SMALLEST = 1e-4


def publish(store: Store, records: Records, *, ranking: RankingSettings) -> None:
    """Publish the feedback that follows from the records, if it has changed."""
    moved = steps(records, ranking=ranking)
    far = np.flatnonzero(np.abs(moved) > _SMALLEST)
    far = np.sort(far[np.argsort(-np.abs(moved[far]), kind="stable")][:_MOST])
    names = [records.track_ids[i] for i in far.tolist()]
    values = pack(np.round(moved[far], 4))
    version = hashlib.blake2b("\n".join(names).encode() + values, digest_size=8).hexdigest()
    models = Models(store)
    before = models.active_version(KIND)
    if version == before:
        return
    fields = {"track_ids": names, "steps": values}
    models.put(KIND, version, fields, created_at=datetime.now(UTC))
    models.activate(KIND, version)
    # A worker may still be about to read the one before.
    models.remove_all_but(KIND, [version] if before is None else [version, before])


def read(store: Store, version: str) -> Feedback:
    """A version; no feedback where it has been replaced twice since."""
    stored = Models(store).fields(KIND, version or None)
    if stored is None:
        return NO_FEEDBACK
    return Feedback(version, dict(zip(stored["track_ids"], unpack(stored["steps"]).tolist(), strict=True)))


class ActiveFeedback(ActiveVersion[Feedback]):
    """Gives the active feedback; none before the first is published."""

    kind = KIND

    def __init__(self, store: Store, *, every: float = 2.0) -> None:
        super().__init__(store, every=every, initial=NO_FEEDBACK)

    def read(self, version: str | None) -> Feedback:
        """A version, or none of it where none is active."""
        return read(self.store, version or "")
