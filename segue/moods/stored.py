"""Moods of tracks: the collection `moods`; `models` has the edition in use.

Delivery: bulk upserts by track id, then the moods of removed tracks are deleted, then the edition is
switched. After an interrupted run, `models` has the former edition, so that the next run writes everything
again. Until then, a reader sees percentiles of two corpora, which differ by the added tracks.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection as Names
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TypedDict

import numpy as np

from segue.models.versions import Models
from segue.moods.measures import DIMENSIONS, CorpusMoods
from segue.storage.mongo import Document, upsert
from segue.storage.store import Collection, Index, Job, Policy, Right, Store

KIND = "moods"


@dataclass(frozen=True)
class Mood:
    """One track's mood: percentiles of the corpus, 0 to 1, and beats per minute; None where unknown."""

    energy: float | None
    tempo: float | None
    brightness: float | None
    tone: float | None
    bpm: float | None


class TrackMood(TypedDict):
    """A document of `moods`; the measures are those of :class:`Mood`."""

    _id: str
    """The track's id."""
    version: str
    """The version of the measures and the features: :func:`segue.moods.measures.moods_version`."""
    edition: str
    """The edition of all moods together: percentiles of one corpus."""
    energy: float | None
    """Percentile of energy, 0 to 1; none if unknown."""
    tempo: float | None
    """Percentile of tempo, 0 to 1; none without a clear pulse."""
    brightness: float | None
    """Percentile of brightness, 0 to 1; none if unknown."""
    tone: float | None
    """Percentile from minor (0) to major (1); none if unknown."""
    bpm: float | None
    """Beats per minute; none without a clear pulse."""


class Moods(Collection[TrackMood]):
    """The moods of tracks."""

    name = "moods"
    policy = Policy(
        computed=True, access={Job.CATALOGUE: Right.WRITE | Right.INDEX, Job.DASHBOARD: Right.READ}
    )
    indexes = (Index.on("edition"),)

    def __init__(self, store: Store) -> None:
        super().__init__(store)
        self._models = Models(store)

    def replace(self, track_ids: Sequence[str], measured: CorpusMoods, *, version: str) -> int:
        """Replace the moods by those of a corpus; returns the number written: all, or none.

        Parameters
        ----------
        version
            The version of the measures: :func:`segue.moods.measures.moods_version`.
        """
        digest = hashlib.sha256("\n".join([version, *track_ids]).encode())
        digest.update(measured.percentiles.astype("<f4").tobytes())
        edition = digest.hexdigest()[:12]
        if self.edition() == edition:
            return 0
        written = upsert(self.documents, _documents(track_ids, measured, version=version, edition=edition))
        self.documents.delete_many({"edition": {"$ne": edition}})
        self._models.activate(KIND, edition)
        return written

    def add(self, track_ids: Sequence[str], measured: CorpusMoods, *, version: str, only: Names[str]) -> int:
        """Write the moods of some tracks of a corpus into the edition in use; returns their number.

        The moods of the other tracks stay, as percentiles of the corpus of their time.
        """
        documents = _documents(track_ids, measured, version=version, edition=self.edition() or "")
        return upsert(self.documents, (mood for mood in documents if mood["_id"] in only))

    def edition(self) -> str | None:
        """The edition in use; None before moods were measured."""
        return self._models.active_version(KIND)

    def read(self, track_id: str) -> Mood | None:
        """One track's mood; None for a track that is newer than the moods."""
        mood = self.documents.find_one({"_id": track_id}, {**dict.fromkeys(DIMENSIONS, 1), "bpm": 1})
        if mood is None:
            return None
        return Mood(mood["energy"], mood["tempo"], mood["brightness"], mood["tone"], mood["bpm"])

    def percentiles(self) -> dict[str, tuple[float | None, ...]]:
        """All moods by track id, each in the order of :data:`segue.moods.measures.DIMENSIONS`."""
        moods = self.documents.find({}, {name: 1 for name in DIMENSIONS}, batch_size=10_000)
        return {
            mood["_id"]: (mood["energy"], mood["tempo"], mood["brightness"], mood["tone"]) for mood in moods
        }


def _documents(
    track_ids: Sequence[str], measured: CorpusMoods, *, version: str, edition: str
) -> Iterator[Document]:
    rows = zip(track_ids, measured.percentiles.tolist(), measured.bpm.tolist(), strict=True)
    for track_id, percentiles, bpm in rows:
        yield {
            "_id": track_id,
            "version": version,
            "edition": edition,
            **{name: _known(value, 4) for name, value in zip(DIMENSIONS, percentiles, strict=True)},
            "bpm": _known(bpm, 1),
        }


def _known(value: float, digits: int) -> float | None:
    return round(value, digits) if np.isfinite(value) else None
