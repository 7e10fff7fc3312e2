"""What all listeners make of each track, as a small step up or down in everybody's ranking.

A track that most skip early sinks, one that many like rises, and only as far as the evidence is sure: what
counts is the lower end of Wilson's interval for the rate (Wilson 1927), less the rate that is usual here.
Below a number of listenings a track stays where it is, so that three skips do not bury a new one.

Delivery: a published version is a hash of its contents and is written before it is made the active one, so
that a reader sees the old or the new one, whole.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np

from segue.index.track_index import TrackIndex
from segue.models.versions import ActiveVersion, Models
from segue.settings import RankingSettings
from segue.storage.mongo import pack, unpack
from segue.storage.store import Store

_Z = 1.96
"""Two-sided 95 % of the normal distribution."""
KIND = "feedback"
_MOST = 300_000
"""Tracks in a version, the furthest moved first: a document of MongoDB has at most 16 MB."""
_SMALLEST = 1e-4


@dataclass(frozen=True)
class Records:
    """What listeners did with tracks, aligned: one entry a track."""

    track_ids: Sequence[str]
    plays: np.ndarray
    early_skips: np.ndarray
    likes: np.ndarray
    listenings: np.ndarray
    """In how many windows by how many listeners: one who skips a track twenty times in a row says it once."""


@dataclass(frozen=True)
class Feedback:
    """The steps, in units of a candidate's score; tracks without one are left out."""

    version: str
    steps: Mapping[str, float]

    def by_row(self, bundle: TrackIndex) -> dict[int, float]:
        """Row of the bundle -> step, for the tracks that it has."""
        rows = bundle.rows(list(self.steps)) if self.steps else np.empty(0, dtype=np.int64)
        pairs = zip(rows.tolist(), self.steps.values(), strict=True)
        return {row: step for row, step in pairs if row >= 0}


NO_FEEDBACK = Feedback(version="", steps={})


def steps(records: Records, *, ranking: RankingSettings) -> np.ndarray:
    """(n,) float64: how far each track moves; 0 below `ranking.feedback_min_plays` listenings.

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
    return np.where(evidence >= ranking.feedback_min_plays, moved, 0.0)


def wilson_lower(rate: np.ndarray, n: np.ndarray) -> np.ndarray:
    """The lower end of Wilson's 95 % interval of a rate seen in n trials; 0 where n is 0."""
    n = np.maximum(np.asarray(n, dtype=float), 1e-9)
    middle = rate + _Z**2 / (2 * n)
    spread = _Z * np.sqrt(rate * (1 - rate) / n + _Z**2 / (4 * n**2))
    lower: np.ndarray = np.maximum((middle - spread) / (1 + _Z**2 / n), 0.0)
    return lower


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
