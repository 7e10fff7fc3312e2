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
from typing import Literal

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
        self._ended: set[str] = set()
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

    def started(self, query: str) -> None:
        """Take note that a query runs, for the first time or again."""
        with self._lock:
            self._ended.discard(query)
        self.progressed(query)

    def ended(self, query: str) -> None:
        """Take note that a query has ended. It does not hang: it starts again, or the stream ends."""
        with self._lock:
            self._ended.add(query)

    def quiet(self) -> list[str]:
        """The queries without progress for :data:`_QUIET_SECONDS`."""
        before = self._clock() - _QUIET_SECONDS
        with self._lock:
            return [query for query in self._patience if self._at[query] < before]

    def _stalled(self, query: str) -> bool:
        with self._lock:
            return self._hangs(query, self._clock())

    def _hangs(self, query: str, now: float) -> bool:
        return query not in self._ended and now - self._at[query] > self._patience[query]

    def health(self) -> Health:
        """Healthy while all watched queries run and make progress."""
        now = self._clock()
        with self._lock:
            at = {query: self._at[query] for query in self._patience}
            hung = [query for query in at if self._hangs(query, now)]
            ended = [query for query in at if query in self._ended]
        if not at:
            return Health("starting", ("the queries have not started yet",))
        problems = [
            f"the query '{query}' has made no progress since {_time(at[query])} ({now - at[query]:.0f} s)"
            for query in hung
        ] + [f"the query '{query}' has ended and waits for its next start" for query in ended]
        queries = {
            query: {"progress_at": _time(then), "seconds": round(now - then, 1)} for query, then in at.items()
        }
        status: Literal["unhealthy", "degraded", "healthy"]
        status = "unhealthy" if hung else "degraded" if ended else "healthy"
        return Health(status, tuple(problems), {"queries": queries})


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
        stages = [found for job in jobs for stage in job.stageIds if (found := tracker.getStageInfo(stage))]
        return tuple((stage.stageId, stage.numCompletedTasks) for stage in stages)
