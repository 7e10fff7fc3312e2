"""The queries of the job: the recommendations, whose failure ends the job, and others that start again alone.

A query beside the recommendations may fail for reasons that do not concern them: its topic has no leader, a
document cannot be written, its checkpoint is damaged. It starts again after a pause. The pause doubles with
each failure, up to :data:`LONGEST_PAUSE`, and is short again after the query has run for that long.
"""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from collections.abc import Callable, Sequence
from typing import Protocol

from pyspark.sql import SparkSession
from pyspark.sql.streaming.query import StreamingQuery

from segue.errors import SegueError
from segue.spark.causes import explain
from segue.streaming_jobs.metrics import Metrics
from segue.streaming_jobs.query import PATIENCE, BatchGate
from segue.streaming_jobs.topic_guard import RecordsLost

log = logging.getLogger(__name__)
FIRST_PAUSE = 5.0
LONGEST_PAUSE = 300.0
"""Seconds."""
_BATCH_SECONDS = 30.0
"""How long a micro-batch of a topic that has changed may go on."""


class Start(Protocol):
    """Starts a query that `gate` stops between two micro-batches."""

    def __call__(self, *, gate: BatchGate) -> StreamingQuery: ...


class Topic(Protocol):
    """The topic of a query."""

    def admit(self) -> bool:
        """Compare it with the place of the query before a start; returns whether the place has changed.

        Raises
        ------
        SegueError
            Records are lost, and the query may not continue; or Kafka does not answer.
        """
        ...

    def changed(self) -> bool:
        """Whether it is another one than at the query's start."""
        ...


class AnyTopic:
    """A topic that is not checked."""

    def admit(self) -> bool:
        """As in the protocol."""
        return False

    def changed(self) -> bool:
        """As in the protocol."""
        return False


_ANY = AnyTopic()


class MainQuery:
    """A query without which the job makes no sense. It starts again only if its topic has changed."""

    def __init__(self, name: str, start: Start, *, metrics: Metrics, topic: Topic = _ANY) -> None:
        self._name, self._start, self._metrics, self._topic = name, start, metrics, topic
        self._begin()

    def _begin(self) -> None:
        self._topic.admit()
        self._gate = BatchGate()
        self._query = self._start(gate=self._gate)
        self._metrics.running.labels(self._name).set(1)

    def check(self, *, restart: bool = True) -> None:
        """Check that the query runs, and that its topic is the same.

        Raises
        ------
        SegueError
            It has failed, or it has lost records and may not continue.
        """
        if self._topic.changed():
            log.warning("the topic of the query '%s' has changed", self._name)
            self._gate.stop(self._query, patience=_BATCH_SECONDS)
        elif self._query.isActive:
            return
        else:
            error = SegueError(f"the query '{self._name}' failed: {cause_of(self._query)}")
            if not self._has_moved():
                raise error
            log.warning("%s", error)
        self._begin()

    def _has_moved(self) -> bool:
        """Whether the query failed since records were lost, and may continue after them."""
        try:
            return self._topic.admit()
        except RecordsLost:
            raise
        except SegueError:
            return False  # the query's own error says more

    def process_all_available(self) -> None:
        self._query.processAllAvailable()

    def close(self) -> None:
        """Let the query begin no further micro-batch."""
        self._gate.close()

    def stop(self) -> None:
        self._gate.stop(self._query)


class SideQuery:
    """A query that starts again after a failure, while the others go on."""

    def __init__(
        self,
        name: str,
        start: Start,
        *,
        metrics: Metrics,
        topic: Topic = _ANY,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._name, self._start, self._metrics, self._clock = name, start, metrics, clock
        self._topic = topic
        self._gate = BatchGate()
        self._query: StreamingQuery | None = None
        self._pause = FIRST_PAUSE
        self._since = 0.0
        self._metrics.failures.labels(name)  # so that Prometheus sees the first failure as an increase
        self._try()

    def check(self, *, restart: bool = True) -> None:
        """Note a failure, or start the query if its pause is over.

        Raises
        ------
        SegueError
            The query has failed, and `restart` is off.
        """
        if self._query is None:
            if not restart:
                raise SegueError(f"the query '{self._name}' does not start: see the log above")
            if self._clock() - self._since >= self._pause:
                self._pause = min(2 * self._pause, LONGEST_PAUSE)
                self._try()
        elif self._topic.changed():
            log.warning("the topic of the query '%s' has changed", self._name)
            self._gate.stop(self._query, patience=_BATCH_SECONDS)
            self._query = None
            self._try()
        elif not self._query.isActive:
            text = f"the query '{self._name}' failed: {cause_of(self._query)}"
            if not restart:
                raise SegueError(text)
            if self._clock() - self._since >= LONGEST_PAUSE:
                self._pause = FIRST_PAUSE
            self._failed(text)

    def _try(self) -> None:
        self._since = self._clock()
        try:
            self._topic.admit()
            self._gate = BatchGate()
            self._query = self._start(gate=self._gate)
        # A full disk or a damaged note concerns this query alone, too.
        except Exception as error:
            text = (
                str(error) if isinstance(error, SegueError) else explain(f"{type(error).__name__}: {error}")
            )
            self._failed(f"the query '{self._name}' does not start: {text}")
        else:
            self._metrics.running.labels(self._name).set(1)

    def _failed(self, text: str) -> None:
        self._query, self._since = None, self._clock()
        self._metrics.running.labels(self._name).set(0)
        self._metrics.failures.labels(self._name).inc()
        log.error("%s; it starts again in %d s, the recommendations continue", text, self._pause)

    def process_all_available(self) -> None:
        if self._query is not None:
            self._query.processAllAvailable()

    def close(self) -> None:
        """Let the query begin no further micro-batch."""
        self._gate.close()

    def stop(self) -> None:
        if self._query is not None:
            self._gate.stop(self._query)


def end(spark: SparkSession, queries: Sequence[MainQuery | SideQuery], *, patience: float = PATIENCE) -> None:
    """End all queries, each after its micro-batch in progress, within `patience` seconds.

    Queries that still run when the session ends would log errors after the line that names the cause.
    """

    def stop(query: MainQuery | SideQuery) -> None:
        with contextlib.suppress(Exception):  # Spark's Java process may have ended
            query.stop()

    # All at once, so that no query begins a micro-batch while another ends its own.
    for query in queries:
        query.close()
    # Spark would log the micro-batches that the gates refuse as errors.
    with contextlib.suppress(Exception):
        spark.sparkContext.setLogLevel("OFF")
    ends = [threading.Thread(target=stop, args=[query], daemon=True) for query in queries]
    for one in ends:
        one.start()
    until = time.monotonic() + patience
    for one in ends:
        one.join(max(0.0, until - time.monotonic()))


def cause_of(query: StreamingQuery) -> str:
    """The cause of a query's end in one line."""
    return explain(str(query.exception() or ""))
