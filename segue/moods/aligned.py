"""All moods in memory, in the order of an index."""

from __future__ import annotations

import threading
import time

import numpy as np
from numpy.typing import NDArray

from segue.moods.measures import DIMENSIONS, Percentiles
from segue.moods.stored import Moods

_UNKNOWN = (None,) * len(DIMENSIONS)


class AlignedMoods:
    """Reads the moods again when they or the index have changed.

    One instance a process; safe for use by several threads.
    """

    def __init__(self, moods: Moods, *, every: float = 5.0) -> None:
        self._moods, self._every = moods, every
        self._lock = threading.Lock()
        self._looked = float("-inf")
        self._key: tuple[str | None, str] | None = None
        self._aligned = np.empty((0, len(DIMENSIONS)), np.float32)

    def of(self, track_ids: NDArray[np.bytes_], *, index: str) -> Percentiles:
        """(n, 4) percentiles of an index's tracks; NaN where the mood is unknown.

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
                key = (self._moods.edition(), index)
                if key != self._key:
                    self._aligned, self._key = self._read(track_ids), key
            return self._aligned

    def _read(self, track_ids: NDArray[np.bytes_]) -> Percentiles:
        known = {track_id.encode(): mood for track_id, mood in self._moods.percentiles().items()}
        rows = [known.get(track_id, _UNKNOWN) for track_id in track_ids.tolist()]
        return np.array(rows, dtype=np.float32).reshape(-1, len(DIMENSIONS))
