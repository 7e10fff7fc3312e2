"""Descriptors of tracks in Spark's Python workers: a thin wrapper over segue.audio."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import lru_cache, partial

import pyarrow as pa

from segue.settings import Audio

DESCRIBED = "track_id string, vector binary, reason string, detail string"
"""A row for each track: its descriptors as float32 bytes, or the reason why there are none."""
_SCHEMA = pa.schema(
    [("track_id", pa.string()), ("vector", pa.binary()), ("reason", pa.string()), ("detail", pa.string())]
)


def describe_tracks(audio: Audio) -> Callable[[Iterator[pa.RecordBatch]], Iterator[pa.RecordBatch]]:
    """The function for `mapInArrow` over rows with `track_id` and `path`."""
    return partial(_describe_partition, audio)


def _describe_partition(audio: Audio, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    _limit_threads(audio.threads)
    for batch in batches:
        pairs = zip(batch["track_id"].to_pylist(), batch["path"].to_pylist(), strict=True)
        rows = [{"track_id": track_id, **describe_file(path, audio)} for track_id, path in pairs]
        yield pa.RecordBatch.from_pylist(rows, schema=_SCHEMA)


def describe_file(path: str, audio: Audio) -> dict[str, bytes | str | None]:
    """One file's row but for its id: with `vector`, or with `reason` and `detail`."""
    from segue.audio.decode import decode
    from segue.audio.descriptors import describe
    from segue.audio.errors import AudioError
    from segue.storage.mongo import pack

    try:
        with _quiet():
            waveform = decode(
                path,
                sample_rate=audio.sample_rate,
                max_seconds=audio.max_seconds,
                min_seconds=audio.min_seconds,
            )
        return {"vector": pack(describe(waveform, audio)), "reason": None, "detail": None}
    except AudioError as error:
        return {"vector": None, "reason": error.reason, "detail": error.detail}


@lru_cache(maxsize=1)
def _limit_threads(threads: int) -> None:
    """Once a worker: Spark runs a worker a core, and a pool of threads in each would make them wait."""
    from threadpoolctl import threadpool_limits

    import segue.audio.descriptors  # noqa: F401  # the numeric libraries must be there to be limited

    threadpool_limits(threads)


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep what libmpg123 writes about damaged frames out of the job's console.

    It writes to the file descriptor, past Python. A worker has one thread, so that nothing else is lost.
    """
    sys.stderr.flush()
    kept, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)
