"""Re-planning in Spark's Python workers: a thin wrapper over :class:`segue.replanning.service.Replanning`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache, partial

import pyarrow as pa

from segue import logs
from segue.index.bundle import Bundle
from segue.index.published import PublishedBundles
from segue.ranking import feedback
from segue.ranking.feedback import Feedback
from segue.replanning.service import Replanning
from segue.settings import Settings
from segue.storage.mongo import patient
from segue.storage.store import Store, open_store

WRITTEN = "freshness_ms double"
"""The schema of a worker's result: a row for each listener it has written."""


@dataclass(frozen=True)
class Assignment:
    """The versions that a worker needs for a micro-batch; small, so that they can be broadcast."""

    settings: Settings
    version: str
    """The index version to use; the worker maps its own copy of the bundle."""
    feedback: str = ""
    """The version of the feedback on tracks to use; the worker reads its own copy."""


def replan_in_workers(assignment: Callable[[], Assignment]) -> Callable[..., Iterator[pa.RecordBatch]]:
    """The function for `mapInArrow` over SignalWindow rows that are partitioned by listener."""
    return partial(_replan_partition, assignment)


def _replan_partition(
    assignment: Callable[[], Assignment], batches: Iterator[pa.RecordBatch]
) -> Iterator[pa.RecordBatch]:
    rows = list(batches)
    if not rows:
        return
    task = assignment()
    # A new worker, or one with an older version, reads more from MongoDB than the plans need.
    freshness = patient(task.settings.stream.mongo_retry_timeout)(_replan, task, pa.Table.from_batches(rows))
    yield pa.RecordBatch.from_pydict({"freshness_ms": pa.array(freshness, pa.float64())})


def _replan(task: Assignment, windows: pa.Table) -> list[float]:
    return _service(task.settings).replan_once(
        windows,
        bundle=_bundle(task.settings, task.version),
        feedback=_feedback(task.settings, task.feedback),
    )


@lru_cache(maxsize=1)
def _store(settings: Settings) -> Store:
    """The client of a worker process."""
    return open_store(settings)


@lru_cache(maxsize=1)
def _service(settings: Settings) -> Replanning:
    logs.configure(settings.logs.format, level=settings.logs.level)
    return Replanning(_store(settings), settings)


@lru_cache(maxsize=2)
def _bundle(settings: Settings, version: str) -> Bundle:
    """The worker's mapping of a version; fetched from MongoDB if this machine lacks it."""
    return PublishedBundles(_store(settings)).load(version, folder=settings.index.folder)


@lru_cache(maxsize=2)
def _feedback(settings: Settings, version: str) -> Feedback:
    """The worker's copy of a version."""
    return feedback.read(_store(settings), version)
