"""Re-planning of the listeners in a micro-batch: thin wrappers over segue.ranking, for driver and workers."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial

import numpy as np
import pyarrow as pa
from pymongo.database import Database

from segue.index.bundle import Bundle
from segue.index.published import PublishedBundles
from segue.people.forgotten import Forgotten
from segue.ranking import stored_feedback
from segue.ranking.feedback import NO_FEEDBACK, Feedback
from segue.ranking.plan import plan
from segue.replanning.listeners import read_histories, read_vectors, write_plans
from segue.settings import Settings
from segue.storage.mongo import Document, connect
from segue.storage.outage import patient
from segue.storage.store import Store
from segue.taste.history import History, prune, windows_of

WRITTEN = "freshness_ms double"
"""The schema of what a worker returns: a row for each listener it has written."""


@dataclass(frozen=True)
class Assignment:
    """What a worker needs to know of a micro-batch; small, so that it can be broadcast."""

    settings: Settings
    version: str
    """The index version to use; the worker maps its own copy of the bundle."""
    feedback: str = ""
    """The version of the feedback on tracks to use; the worker reads its own copy."""


def replan(
    table: pa.Table,
    *,
    database: Database[Document],
    bundle: Bundle,
    settings: Settings,
    feedback: Feedback = NO_FEEDBACK,
) -> list[float]:
    """SignalWindow rows -> documents in MongoDB.

    Returns, for each listener written, the milliseconds since the newest play that the document reflects.

    All of a listener's rows must be in one table, since its history is read, extended and written once. A
    MongoDB that is away is waited for as long as the settings' `stream.outage`; what was written before it
    went is written again.
    """
    patiently = patient(settings.stream.outage)
    return patiently(_replan, table, database=database, bundle=bundle, settings=settings, feedback=feedback)


def _replan(
    table: pa.Table,
    *,
    database: Database[Document],
    bundle: Bundle,
    settings: Settings,
    feedback: Feedback,
) -> list[float]:
    changed: dict[str, History] = {}
    for user, start, window in windows_of(table, signals=settings.signals):
        changed.setdefault(user, {})[start] = window
    for user in Forgotten(Store(database)).among(changed.keys()):
        del changed[user]
    if not changed:
        return []
    stored = read_histories(database, list(changed))
    histories = {
        user: prune(
            stored[user] | windows,
            taste=settings.taste,
            signals=settings.signals,
        )
        for user, windows in changed.items()
    }
    space = bundle.manifest.space

    def lookup(track_ids: Sequence[str]) -> dict[str, np.ndarray]:
        return read_vectors(database, space=space, track_ids=track_ids)

    plans = plan(
        histories,
        bundle=bundle,
        lookup=lookup,
        taste=settings.taste,
        ranking=settings.ranking,
        experiments=settings.experiments,
        feedback=_steps(feedback, bundle),
    )
    write_plans(database, plans, space=space)
    written = time.time() * 1000
    return [written - one.reflects_at for one in plans]


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
    # A worker that is new, or has an older version, asks MongoDB for more than the plans.
    freshness = patient(task.settings.stream.outage)(_replan_task, task, pa.Table.from_batches(rows))
    yield pa.RecordBatch.from_pydict({"freshness_ms": pa.array(freshness, pa.float64())})


def _replan_task(task: Assignment, table: pa.Table) -> list[float]:
    return _replan(
        table,
        database=_database(task.settings),
        bundle=_bundle(task.settings, task.version),
        settings=task.settings,
        feedback=_feedback(task.settings, task.feedback),
    )


@lru_cache(maxsize=1)
def _database(settings: Settings) -> Database[Document]:
    """One client a worker process."""
    return connect(settings.mongo)


@lru_cache(maxsize=2)
def _bundle(settings: Settings, version: str) -> Bundle:
    """One mapping of a version a worker process; fetched from MongoDB where this machine lacks it."""
    return PublishedBundles(Store(_database(settings))).load(version, folder=settings.index.folder)


@lru_cache(maxsize=2)
def _feedback(settings: Settings, version: str) -> Feedback:
    """One copy of a version a worker process."""
    return stored_feedback.read(_database(settings), version)


_steps_by_row: dict[tuple[str, str], dict[int, float]] = {}


def _steps(feedback: Feedback, bundle: Bundle) -> dict[int, float]:
    """The feedback by row of the bundle, worked out once for each pair of versions."""
    key = (feedback.version, bundle.version)
    if key not in _steps_by_row:
        _steps_by_row.clear()
        _steps_by_row[key] = feedback.by_row(bundle)
    return _steps_by_row[key]
