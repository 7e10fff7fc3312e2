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


def describe_here(tracks: Sequence[tuple[str, str]], audio: AudioSettings) -> Iterator[Described]:
    """Describe files, as many at once as there are cores.

    Parameters
    ----------
    tracks
        The id and the path of each track.

    Yields
    ------
    A result for each track, in order of completion.
    """
    number = max(1, min(len(tracks), os.cpu_count() or 1))
    describers = [Describer(audio) for _ in range(number)]
    free: queue.SimpleQueue[Describer] = queue.SimpleQueue()
    for describer in describers:
        free.put(describer)

    def describe(track_id: str, path: str) -> Described:
        describer = free.get()
        try:
            row = describer.describe(path)
        finally:
            free.put(describer)
        vector = row["vector"]
        return Described(
            track_id,
            vector if isinstance(vector, bytes) else None,
            _text(row["reason"]),
            _text(row["detail"]),
        )

    pool = ThreadPoolExecutor(number)
    try:
        for future in as_completed([pool.submit(describe, *track) for track in tracks]):
            yield future.result()
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
        for describer in describers:
            describer.close()


def _text(value: bytes | str | None) -> str:
    return value if isinstance(value, str) else ""
