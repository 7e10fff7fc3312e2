"""Stopping a query between two micro-batches: Spark's own stop cuts off the one in progress."""

from __future__ import annotations

import threading
import time

from pyspark.sql import DataFrame
from pyspark.sql.streaming.query import StreamingQuery

from segue.streaming_jobs.micro_batches import BatchFunction

_COMMIT_SECONDS = 10.0
"""How long a finished micro-batch may take to be committed."""


class HeldOff(Exception):
    """A micro-batch came after the gate was closed; it has done nothing and is repeated at the next start."""


def held_off(error: str) -> bool:
    """Whether the text of the error that ended a query, as Spark tells it, is that of :class:`HeldOff`."""
    return f"{HeldOff.__module__}.{HeldOff.__qualname__}: " in error


class BatchGate:
    """Lets the micro-batch in progress finish and be committed, and turns away the next."""

    def __init__(self) -> None:
        self._closed = threading.Event()
        self._working = threading.Lock()

    def guarded(self, work: BatchFunction) -> BatchFunction:
        """The function for `foreachBatch` that does `work` while the gate is open."""

        def run(rows: DataFrame, batch: int) -> None:
            with self._working:
                if self._closed.is_set():
                    raise HeldOff(f"batch {batch} waits for the next start")
                work(rows, batch)

        return run

    def stop(self, query: StreamingQuery, *, patience: float = 120.0) -> bool:
        """Close the gate and end the query; False if the batch in progress took longer than `patience`."""
        self._closed.set()
        finished = self._working.acquire(timeout=patience)
        if finished:
            self._working.release()
            end = time.monotonic() + _COMMIT_SECONDS
            while query.isActive and query.status["isTriggerActive"] and time.monotonic() < end:
                time.sleep(0.02)
        query.stop()
        return finished
