"""Re-planning of the listeners in a micro-batch: thin wrappers over segue.ranking, for driver and workers."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial

import numpy as np
import pyarrow as pa
from pymongo.database import Database
from tenacity import Retrying, before_sleep_log, retry_if_exception_type, stop_after_delay, wait_exponential

from segue.index.bundle import Bundle
from segue.index.publish import fetch_bundle
from segue.ranking.plan import plan
from segue.settings import Settings
from segue.storage.listeners import read_histories, read_vectors, write_plans
from segue.storage.mongo import Document, Unreachable, connect
from segue.taste.history import History, prune, windows_of

log = logging.getLogger(__name__)

WRITTEN = "freshness_ms double"
"""The schema of what a worker returns: a row for each listener it has written."""


@dataclass(frozen=True)
class Assignment:
    """What a worker needs to know of a micro-batch; small, so that it can be broadcast."""

    settings: Settings
    version: str
    """The index version to use; the worker maps its own copy of the bundle."""


def replan(
    table: pa.Table, *, database: Database[Document], bundle: Bundle, settings: Settings
) -> list[float]:
    """SignalWindow rows -> documents in MongoDB.

    Returns, for each listener written, the milliseconds since the newest play that the document reflects.

    All of a listener's rows must be in one table, since its history is read, extended and written once. A
    MongoDB that is away is waited for as long as the settings' `stream.outage`; what was written before it
    went is written again.
    """
    patiently = Retrying(
        retry=retry_if_exception_type(Unreachable),
        wait=wait_exponential(multiplier=0.2, max=5),
        stop=stop_after_delay(settings.stream.outage),
        before_sleep=before_sleep_log(log, logging.WARNING),
        reraise=True,
    )
    return patiently(_replan, table, database=database, bundle=bundle, settings=settings)


def _replan(
    table: pa.Table, *, database: Database[Document], bundle: Bundle, settings: Settings
) -> list[float]:
    changed: dict[str, History] = {}
    for user, start, window in windows_of(table, signals=settings.signals):
        changed.setdefault(user, {})[start] = window
    if not changed:
        return []
    stored = read_histories(database, list(changed))
    histories = {
        user: prune(
            stored[user] | windows,
            half_life=settings.taste.half_life,
            max_signals=settings.taste.max_signals,
        )
        for user, windows in changed.items()
    }
    space = bundle.manifest.space

    def lookup(track_ids: Sequence[str]) -> dict[str, np.ndarray]:
        return read_vectors(database, space=space, track_ids=track_ids)

    plans = plan(histories, bundle=bundle, lookup=lookup, taste=settings.taste, ranking=settings.ranking)
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
    database = _database(task.settings)
    bundle = _bundle(task.settings, task.version)
    freshness = replan(pa.Table.from_batches(rows), database=database, bundle=bundle, settings=task.settings)
    yield pa.RecordBatch.from_pydict({"freshness_ms": pa.array(freshness, pa.float64())})


@lru_cache(maxsize=1)
def _database(settings: Settings) -> Database[Document]:
    """One client a worker process."""
    return connect(settings.mongo)


@lru_cache(maxsize=2)
def _bundle(settings: Settings, version: str) -> Bundle:
    """One mapping of a version a worker process; fetched from MongoDB where this machine lacks it."""
    return fetch_bundle(_database(settings), version, folder=settings.index.folder)
