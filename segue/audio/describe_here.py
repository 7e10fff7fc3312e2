"""Describes and measures files by processes of this machine.

For a few songs, the start of Spark would take longer.
"""

from __future__ import annotations

import os
import queue
from collections.abc import Callable, Generator, Sequence
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


class Describers:
    """Describing processes, at most one for each core, which end with the block.

    A process starts with the first file that it gets and serves all calls: it takes longer to load its
    libraries than to describe a dozen songs. A caller that closes an iterator before its end also ends the
    work in progress, and the next call starts other processes.
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
        self._end_processes()

    def describe(self, tracks: Sequence[Source]) -> Generator[Described]:
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

        return self._on_all_cores(describe, tracks)

    def measure(self, tracks: Sequence[Source]) -> Generator[tuple[str, LevelRow]]:
        """Measure the loudness of files, as :meth:`describe`; yields track ids with their rows."""

        def measure(describer: Describer, track_id: str, path: str, span: Span) -> tuple[str, LevelRow]:
            return track_id, describer.measure(path, span)

        return self._on_all_cores(measure, tracks)

    def fingerprint(self, tracks: Sequence[Source]) -> Generator[tuple[str, bytes | None, str]]:
        """Compute the fingerprints of files, as :meth:`describe`; yields track ids, fingerprints, reasons."""

        def fingerprint(
            describer: Describer, track_id: str, path: str, span: Span
        ) -> tuple[str, bytes | None, str]:
            return track_id, *describer.fingerprint_or_reason(path, span)

        return self._on_all_cores(fingerprint, tracks)

    def _on_all_cores(
        self, work: Callable[[Describer, str, str, Span], _T], tracks: Sequence[Source]
    ) -> Generator[_T]:
        def one(track_id: str, path: str, span: Span) -> _T:
            describer = self._free.get()
            try:
                return work(describer, track_id, path, span)
            finally:
                self._free.put(describer)

        pool = ThreadPoolExecutor(len(self._describers))
        finished = False
        try:
            for future in as_completed([pool.submit(one, *track) for track in tracks]):
                yield future.result()
            finished = True
        finally:
            pool.shutdown(wait=False, cancel_futures=True)
            if not finished:
                self._end_processes()
            pool.shutdown()  # afterwards, no thread starts a process that nobody would end

    def _end_processes(self) -> None:
        for describer in self._describers:
            describer.close()


def _text(value: bytes | str | None) -> str:
    return value if isinstance(value, str) else ""


def _bytes(value: bytes | str | None) -> bytes | None:
    return value if isinstance(value, bytes) else None
