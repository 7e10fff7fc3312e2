"""Processes that describe files with Segue or with plain librosa, and report time and memory."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context
from multiprocessing.pool import Pool
from multiprocessing.synchronize import Barrier
from pathlib import Path

import numpy as np
import psutil
import pyarrow as pa
from threadpoolctl import threadpool_limits

from segue.benchmarks.plain_features import describe_plainly
from segue.errors import SegueError
from segue.settings import AudioSettings
from segue.udfs.describe_tracks import describe_tracks

Work = Callable[[Sequence[str], AudioSettings], None]
START = 600.0
"""Seconds in which the processes must start and finish their first batch."""


@dataclass(frozen=True, kw_only=True)
class Done:
    """The time and memory of a batch in a worker."""

    cpu_s: float
    peak_mb: float
    """The peak memory of the process so far."""


def describe_batch(files: Sequence[str], audio: AudioSettings) -> None:
    """Describe files as Spark's Python workers do.

    Raises
    ------
    SegueError
        A file could not be described.
    """
    batch = pa.RecordBatch.from_pylist(
        [{"track_id": file, "path": file, "start": 0.0, "end": None} for file in files]
    )
    for rows in describe_tracks(audio)(iter([batch])):
        for row in rows.to_pylist():
            if row["vector"] is None:
                raise SegueError(f"{row['track_id']} is not described: {row['reason']}, {row['detail']}")


def plain_batch(files: Sequence[str], audio: AudioSettings, *, sample_rate: int | None) -> None:
    """Describe files with :mod:`segue.benchmarks.plain_features`."""
    for file in files:
        if not np.isfinite(describe_plainly(file, audio, sample_rate=sample_rate)).all():
            raise SegueError(f"{file} is not described")


class Workers:
    """Worker processes that have finished a first batch."""

    def __init__(self, pool: Pool, audio: AudioSettings) -> None:
        self._pool, self._audio = pool, audio

    def run(self, work: Work, batches: Sequence[Sequence[str]]) -> list[Done]:
        return self._pool.map(partial(_timed, work, self._audio), batches, chunksize=1)


@contextmanager
def workers(count: int, first: Work, files: Sequence[str], audio: AudioSettings) -> Iterator[Workers]:
    """New single-threaded processes, each warmed up with some of the files."""
    spawn = get_context("spawn")
    ready = spawn.Barrier(count + 1)
    with spawn.Pool(count, initializer=_begin, initargs=(first, list(files[:2]), audio, ready)) as pool:
        ready.wait(START)
        yield Workers(pool, audio)


def _begin(work: Work, files: Sequence[str], audio: AudioSettings, ready: Barrier) -> None:
    threadpool_limits(1)
    work(files, audio)
    ready.wait(START)


def _timed(work: Work, audio: AudioSettings, files: Sequence[str]) -> Done:
    began = _cpu_s()
    work(files, audio)
    return Done(cpu_s=_cpu_s() - began, peak_mb=_peak_mb())


def _cpu_s() -> float:
    """Processor seconds of this process, its decoding process and their descendants."""
    children = [child.cpu_times() for child in psutil.Process().children(recursive=True)]
    return time.process_time() + sum(
        times.user + times.system + times.children_user + times.children_system for times in children
    )


def _peak_mb() -> float:
    """Peak memory of the same processes; getrusage would include that of the parent process before exec."""
    pids = [psutil.Process().pid, *(child.pid for child in psutil.Process().children(recursive=True))]
    lines = [line for pid in pids for line in Path(f"/proc/{pid}/status").read_text().splitlines()]
    return sum(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM:"))
