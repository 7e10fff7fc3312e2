"""When each query last made progress, and whether it hangs.

Progress of a query is any of: a finished micro-batch, the report that no records wait (Spark sends one about
every ten seconds), the start of a micro-batch, and a finished task of the micro-batch in progress. An idle
query is therefore healthy, and so is a long micro-batch whose tasks end one after the other. A micro-batch
that waits for a server, or for a Python worker that does not run, makes no progress.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from prometheus_client import Gauge
from py4j.protocol import Py4JError  # type: ignore[import-untyped]
from pyspark.sql import SparkSession

from segue.operations.health import Health
from segue.streaming_jobs.regularly import Regularly

log = logging.getLogger(__name__)
_LOOK_SECONDS = 5.0
_QUIET_SECONDS = 15.0
"""The tasks of a query are looked at after this time without other progress. Until then it costs nothing."""


class QueryProgress:
    """The last progress of each query. The methods may be called from several threads."""

    def __init__(
        self,
        *,
        at: Gauge,
        stalled: Gauge,
        timeout: timedelta,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """`at` and `stalled` are the metrics, labelled by query; a query hangs after `timeout`."""
        self._at_metric, self._stalled_metric = at, stalled
        self._timeout, self._clock = timeout.total_seconds(), clock
        self._at: dict[str, float] = {}
        self._patience: dict[str, float] = {}
        self._lock = threading.Lock()

    def expect(self, query: str, *, every: timedelta) -> None:
        """Watch a query from now on; it starts a micro-batch at most `every` so often."""
        with self._lock:
            self._patience[query] = self._timeout + every.total_seconds()
        self.progressed(query)
        self._stalled_metric.labels(query).set_function(lambda: float(self._stalled(query)))

    def progressed(self, query: str) -> None:
        """Record progress of a query now."""
        now = self._clock()
        with self._lock:
            self._at[query] = now
        self._at_metric.labels(query).set(now)

    def quiet(self) -> list[str]:
        """The queries without progress for :data:`_QUIET_SECONDS`."""
        before = self._clock() - _QUIET_SECONDS
        with self._lock:
            return [query for query in self._patience if self._at[query] < before]

    def _stalled(self, query: str) -> bool:
        with self._lock:
            return self._clock() - self._at[query] > self._patience[query]

    def health(self) -> Health:
        """Healthy while all watched queries make progress."""
        now = self._clock()
        with self._lock:
            at = {query: self._at[query] for query in self._patience}
            patience = dict(self._patience)
        if not at:
            return Health("starting", ("the queries have not started yet",))
        problems = [
            f"the query '{query}' has made no progress since {_time(then)} ({now - then:.0f} s)"
            for query, then in at.items()
            if now - then > patience[query]
        ]
        queries = {
            query: {"progress_at": _time(then), "seconds": round(now - then, 1)} for query, then in at.items()
        }
        return Health("unhealthy" if problems else "healthy", tuple(problems), {"queries": queries})


def _time(epoch_seconds: float) -> str:
    return datetime.fromtimestamp(epoch_seconds, UTC).isoformat(timespec="seconds")


class TaskWatch:
    """Counts finished tasks of a quiet query's micro-batch as progress."""

    def __init__(self, spark: SparkSession, progress: QueryProgress) -> None:
        self._spark, self._progress = spark, progress
        self._seen: dict[str, tuple[tuple[int, int], ...]] = {}
        self._watching = Regularly(self._look, name="tasks", seconds=_LOOK_SECONDS)

    def close(self) -> None:
        self._watching.close()

    def _look(self) -> None:
        if not (quiet := self._progress.quiet()):
            self._seen = {}
            return
        try:
            runs = {query.name: str(query.runId) for query in self._spark.streams.active}
            seen, self._seen = self._seen, {q: self._done(runs[q]) for q in quiet if q in runs}
        except Py4JError as error:
            log.debug("Spark's tasks cannot be read: %s", error)
            return
        for query, done in self._seen.items():
            if done != seen.get(query, done):
                self._progress.progressed(query)

    def _done(self, run: str) -> tuple[tuple[int, int], ...]:
        """(stage, finished tasks) of the active jobs of a run, whose id is the name of its job group."""
        tracker = self._spark.sparkContext.statusTracker()
        active = set(tracker.getActiveJobsIds()) & set(tracker.getJobIdsForGroup(run))
        jobs = [info for job in sorted(active) if (info := tracker.getJobInfo(job))]
        stages = [info for job in jobs for stage in job.stageIds if (info := tracker.getStageInfo(stage))]
        return tuple((stage.stageId, stage.numCompletedTasks) for stage in stages)
