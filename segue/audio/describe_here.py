"""Describes files by processes of this machine, without Spark, whose start takes longer than a few songs."""

from __future__ import annotations

import os
import queue
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from typing import NamedTuple

from segue.audio.describer import Describer
from segue.settings import AudioSettings


class Described(NamedTuple):
    """A track's descriptors as float32 bytes, or the reason why there are none."""

    track_id: str
    vector: bytes | None
    reason: str
    """Empty beside a vector."""
    detail: str


class Describers:
    """Describing processes, at most one for each core, which end with the block.

    A process starts with the first file that it gets and serves all calls: it takes longer to load its
    libraries than to describe a dozen songs.
    """

    def __init__(self, audio: AudioSettings) -> None:
        self._describers = [Describer(audio) for _ in range(os.cpu_count() or 1)]
        # The last to be returned is the next to be taken, because it has started.
        self._free: queue.LifoQueue[Describer] = queue.LifoQueue()
        for describer in self._describers:
            self._free.put(describer)

    def __enter__(self) -> Describers:
        return self

    def __exit__(self, *_: object) -> None:
        for describer in self._describers:
            describer.close()

    def describe(self, tracks: Sequence[tuple[str, str]]) -> Iterator[Described]:
        """Describe files, as many at once as there are cores.

        Parameters
        ----------
        tracks
            The id and the path of each track.

        Yields
        ------
        A result for each track, in order of completion.
        """
        pool = ThreadPoolExecutor(len(self._describers))
        try:
            for future in as_completed([pool.submit(self._describe, *track) for track in tracks]):
                yield future.result()
        finally:
            pool.shutdown(wait=False, cancel_futures=True)

    def _describe(self, track_id: str, path: str) -> Described:
        describer = self._free.get()
        try:
            row = describer.describe(path)
        finally:
            self._free.put(describer)
        vector = row["vector"]
        return Described(
            track_id,
            vector if isinstance(vector, bytes) else None,
            _text(row["reason"]),
            _text(row["detail"]),
        )


def _text(value: bytes | str | None) -> str:
    return value if isinstance(value, str) else ""
