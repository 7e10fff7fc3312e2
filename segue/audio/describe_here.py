"""Describes and measures files by processes of this machine.

For a few songs, the start of Spark would take longer.
"""

from __future__ import annotations

import os
import queue
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from typing import NamedTuple, TypeVar

from segue.audio.describer import Describer
from segue.audio.describing import LevelRow, Span
from segue.settings import AudioSettings

Source = tuple[str, str, Span]
"""A track's id, the path of its file, and the part of the file that it is."""
_T = TypeVar("_T")


class Described(NamedTuple):
    """A track's descriptors as float32 bytes, or the reason why there are none."""

    track_id: str
    vector: bytes | None
    reason: str
    """Empty beside a vector."""
    detail: str
    fingerprint: bytes | None = None
    """See :mod:`segue.audio.fingerprint`."""


def describe_here(tracks: Sequence[Source], audio: AudioSettings) -> Iterator[Described]:
    """Describe files, as many at once as there are cores.

    Parameters
    ----------
    tracks
        The id, the path and the span of each track.

    Yields
    ------
    A result for each track, in order of completion.
    """

    def describe(describer: Describer, track_id: str, path: str, span: Span) -> Described:
        row = describer.describe(path, span)
        return Described(
            track_id,
            _bytes(row["vector"]),
            _text(row["reason"]),
            _text(row["detail"]),
            _bytes(row["fingerprint"]),
        )

    return _on_all_cores(describe, tracks, audio)


def measure_here(tracks: Sequence[Source], audio: AudioSettings) -> Generator[tuple[str, LevelRow]]:
    """Measure the loudness of files, as :func:`describe_here`; yields track ids with their rows.

    A caller that closes the iterator ends the measurements in progress.
    """

    def measure(describer: Describer, track_id: str, path: str, span: Span) -> tuple[str, LevelRow]:
        return track_id, describer.measure(path, span)

    return _on_all_cores(measure, tracks, audio)


def _on_all_cores(
    work: Callable[[Describer, str, str, Span], _T], tracks: Sequence[Source], audio: AudioSettings
) -> Generator[_T]:
    number = max(1, min(len(tracks), os.cpu_count() or 1))
    describers = [Describer(audio) for _ in range(number)]
    free: queue.SimpleQueue[Describer] = queue.SimpleQueue()
    for describer in describers:
        free.put(describer)

    def one(track_id: str, path: str, span: Span) -> _T:
        describer = free.get()
        try:
            return work(describer, track_id, path, span)
        finally:
            free.put(describer)

    pool = ThreadPoolExecutor(number)
    try:
        for future in as_completed([pool.submit(one, *track) for track in tracks]):
            yield future.result()
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
        for describer in describers:
            describer.close()


def _text(value: bytes | str | None) -> str:
    return value if isinstance(value, str) else ""


def _bytes(value: bytes | str | None) -> bytes | None:
    return value if isinstance(value, bytes) else None
