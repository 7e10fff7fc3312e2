"""Feedback: a small change of a track's score for every listener, from the behaviour of all listeners.

A track that most listeners skip early sinks, and a track that many like rises, only as far as the evidence is
certain: the change uses the lower bound of Wilson's interval for the rate (Wilson 1927), minus the usual rate
of the service. A track with few listenings does not move, so that three skips do not bury a new one.

Delivery: the name of a version is a hash of its contents. A version is written before it becomes active, so
that a reader sees the old or the new one, complete.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TypedDict, cast

import numpy as np

from segue.index.track_index import TrackIndex
from segue.models.versions import ActiveVersion, Models
from segue.settings import RankingSettings
from segue.storage.mongo import pack, unpack
from segue.storage.record_shapes import record_shape
from segue.storage.records import Vector
from segue.storage.store import Store

_Z = 1.96
"""The quantile of the normal distribution for a two-sided interval of 95 %."""
KIND = "feedback"
_MOST = 300_000
"""Tracks in a version, the largest changes first, and fewer with long ids: a document has at most 16 MB."""
_LARGEST, _PER_TRACK = 14_000_000, 9 + 4
"""Bytes of a version, and those of a track besides its id."""
_SMALLEST = 1e-4
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Records:
    """Counts of listeners' actions, aligned: one entry for each track."""

    track_ids: Sequence[str]
    plays: np.ndarray
    early_skips: np.ndarray
    likes: np.ndarray
    listenings: np.ndarray
    """The evidence: the weight of the people who played it. Before they are known, pairs of a window and a
    listener, which are at least as many."""

    def evident(self, *, ranking: RankingSettings) -> np.ndarray:
        """(n,) bool: whether a track has enough listenings to be moved."""
        enough: np.ndarray = np.minimum(self.plays, self.listenings) >= ranking.feedback_min_plays
        return enough


@dataclass(frozen=True)
class Feedback:
    """The changes, in units of a candidate's score; unchanged tracks are left out."""

    version: str
    steps: Mapping[str, float]

    def by_row(self, bundle: TrackIndex) -> dict[int, float]:
        """Row of the bundle -> change, for the tracks in the bundle."""
        rows = bundle.rows(list(self.steps)) if self.steps else np.empty(0, dtype=np.int64)
        pairs = zip(rows.tolist(), self.steps.values(), strict=True)
        return {row: step for row, step in pairs if row >= 0}


NO_FEEDBACK = Feedback(version="", steps={})


def steps(records: Records, *, ranking: RankingSettings) -> np.ndarray:
    """(n,) float64: the change of each track's score; 0 below `ranking.feedback_min_plays` listenings.

    In [-feedback_skip_weight, +feedback_like_weight], since rates and their bounds are in [0, 1].
    """
    plays = np.asarray(records.plays, dtype=float)
    if not plays.sum():
        return np.zeros(len(plays))
    seen = np.maximum(plays, 1)
    evidence = np.minimum(plays, records.listenings)
    skipped = np.minimum(records.early_skips / seen, 1.0)
    liked = np.minimum(records.likes / seen, 1.0)
    usual_skipped = records.early_skips.sum() / plays.sum()
    usual_liked = min(records.likes.sum() / plays.sum(), 1.0)
    down = np.maximum(wilson_lower(skipped, evidence) - usual_skipped, 0.0)
    up = np.maximum(wilson_lower(liked, evidence) - usual_liked, 0.0)
    moved = ranking.feedback_like_weight * up - ranking.feedback_skip_weight * down
    return np.where(records.evident(ranking=ranking), moved, 0.0)


def wilson_lower(rate: np.ndarray, n: np.ndarray) -> np.ndarray:
    """The lower bound of Wilson's 95 % interval for a rate observed in n trials; 0 where n is 0."""
    n = np.maximum(np.asarray(n, dtype=float), 1e-9)
    middle = rate + _Z**2 / (2 * n)
    spread = _Z * np.sqrt(rate * (1 - rate) / n + _Z**2 / (4 * n**2))
    lower: np.ndarray = np.maximum((middle - spread) / (1 + _Z**2 / n), 0.0)
    return lower


def publish(store: Store, records: Records, *, ranking: RankingSettings) -> None:
    """Publish the feedback computed from the records, if it has changed."""
    moved = steps(records, ranking=ranking)
    far = np.flatnonzero(np.abs(moved) > _SMALLEST)
    far = np.sort(far[np.argsort(-np.abs(moved[far]), kind="stable")][:_MOST])
    far = far[_that_fit([len(records.track_ids[i]) for i in far.tolist()])]
    names = [records.track_ids[i] for i in far.tolist()]
    values = pack(np.round(moved[far], 4))
    version = hashlib.blake2b("\n".join(names).encode() + values, digest_size=8).hexdigest()
    models = Models(store)
    before = models.active_version(KIND)
    if version == before and _stored(models, version) is not None:
        return
    fields = {"track_ids": names, "steps": values}
    models.put(KIND, version, fields, created_at=datetime.now(UTC))
    models.activate(KIND, version)
    # A worker may still be about to read the previous version.
    models.remove_all_but(KIND, [version] if before is None else [version, before])


def _that_fit(lengths: Sequence[int]) -> slice:
    """The first tracks whose ids fit into a document; the index of each takes up to 9 bytes, its step 4."""
    sizes = np.cumsum(np.asarray(lengths, dtype=np.int64) + _PER_TRACK)
    return slice(0, int(np.searchsorted(sizes, _LARGEST, side="right")))


class StoredFeedback(TypedDict):
    """The fields of a version in `models`."""

    track_ids: list[str]
    steps: Vector
    """One for each track."""


def _stored(models: Models, version: str) -> StoredFeedback | None:
    """The fields of a version; None if they are not stored or are damaged."""
    stored = models.fields(KIND, version or None)
    if stored is None:
        return None
    if not record_shape(StoredFeedback).fits(stored) or len(stored["steps"]) != 4 * len(stored["track_ids"]):
        log.error("feedback %s in MongoDB is damaged: the ranking continues without it", version)
        return None
    return cast("StoredFeedback", stored)


def read(store: Store, version: str) -> Feedback:
    """Read a version; empty if it has been replaced twice since, or is damaged."""
    stored = _stored(Models(store), version)
    if stored is None:
        return NO_FEEDBACK
    return Feedback(version, dict(zip(stored["track_ids"], unpack(stored["steps"]).tolist(), strict=True)))


class ActiveFeedback(ActiveVersion[Feedback]):
    """Reads the active feedback; empty before the first is published."""

    kind = KIND

    def __init__(self, store: Store, *, every: float = 2.0) -> None:
        super().__init__(store, every=every, initial=NO_FEEDBACK)

    def read(self, version: str | None) -> Feedback:
        """Read a version; empty for None."""
        return read(self.store, version or "")
