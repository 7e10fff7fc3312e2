"""Moods in MongoDB: a document for each track in `moods`, and in `models` which edition of them is in use.

A document: _id (track id), version (of the measures and the features), energy, tempo, brightness, tone
(percentiles of the corpus, null where not known), bpm.

Delivery: bulk upserts by track id, then those of tracks that have gone are removed, then the edition is
switched. A run cut short leaves the former edition's name, so that the next run writes all of it again; who
reads meanwhile has percentiles of two corpora that differ by what was added.
"""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from pymongo.database import Database

from segue.models.versions import Models
from segue.moods.measures import DIMENSIONS, Measured, Percentiles
from segue.storage.mongo import Document, upsert
from segue.storage.store import Store

KIND = "moods"


@dataclass(frozen=True)
class Mood:
    """What is known of one track's mood: percentiles of the corpus, 0 to 1, or None; beats per minute."""

    energy: float | None
    tempo: float | None
    brightness: float | None
    tone: float | None
    bpm: float | None


def keep_moods(
    database: Database[Document], track_ids: Sequence[str], measured: Measured, *, version: str
) -> int:
    """Bring `moods` in line with a corpus; returns how many documents were written: all, or none.

    Parameters
    ----------
    version
        Of the measures: :func:`segue.moods.measures.moods_version`.
    """
    digest = hashlib.sha256("\n".join([version, *track_ids]).encode())
    digest.update(measured.percentiles.astype("<f4").tobytes())
    edition = digest.hexdigest()[:12]
    if Models(Store(database)).active_version(KIND) == edition:
        return 0
    rows = zip(track_ids, measured.percentiles.tolist(), measured.bpm.tolist(), strict=True)
    written = upsert(
        database.moods,
        (
            {
                "_id": track_id,
                "version": version,
                "edition": edition,
                **{name: _known(value, 4) for name, value in zip(DIMENSIONS, found, strict=True)},
                "bpm": _known(bpm, 1),
            }
            for track_id, found, bpm in rows
        ),
    )
    database.moods.delete_many({"edition": {"$ne": edition}})
    Models(Store(database)).activate(KIND, edition)
    return written


def mood_of(database: Database[Document], track_id: str) -> Mood | None:
    """One track's mood; None for a track that is newer than the moods."""
    found = database.moods.find_one({"_id": track_id})
    return Mood(**{name: found[name] for name in (*DIMENSIONS, "bpm")}) if found else None


class Moods:
    """All moods in memory, in the order of an index; read again when they or the index have changed.

    Made once a process; safe for use by several threads.
    """

    def __init__(self, database: Database[Document], *, every: float = 5.0) -> None:
        self._database, self._every = database, every
        self._lock = threading.Lock()
        self._looked = float("-inf")
        self._key: tuple[str | None, str] | None = None
        self._aligned = np.empty((0, len(DIMENSIONS)), np.float32)

    def aligned(self, track_ids: np.ndarray, *, index: str) -> Percentiles:
        """(n, 4) percentiles of an index's tracks; NaN where no mood is known.

        Parameters
        ----------
        track_ids
            (n,) numpy bytes, as in :class:`segue.index.bundle.Bundle`.
        index
            The version of the index.
        """
        with self._lock:
            now = time.monotonic()
            if self._key is None or self._key[1] != index or now - self._looked > self._every:
                self._looked = now
                key = (Models(Store(self._database)).active_version(KIND), index)
                if key != self._key:
                    self._aligned, self._key = self._read(track_ids), key
            return self._aligned

    def _read(self, track_ids: np.ndarray) -> Percentiles:
        fields = {name: 1 for name in DIMENSIONS}
        stored = self._database.moods.find({}, fields, batch_size=10_000)
        known = {one["_id"].encode(): [one[name] for name in DIMENSIONS] for one in stored}
        nothing = [None] * len(DIMENSIONS)
        rows = [known.get(track_id, nothing) for track_id in track_ids.tolist()]
        return np.array(rows, dtype=np.float32).reshape(-1, len(DIMENSIONS))


def _known(value: float, digits: int) -> float | None:
    return round(value, digits) if np.isfinite(value) else None
