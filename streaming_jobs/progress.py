"""The progress of the streaming queries, for MongoDB and the metrics."""

from __future__ import annotations

import json
import logging
from collections import deque
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from pyspark.java_gateway import ensure_callback_server_started
from pyspark.sql import SparkSession

from segue.operations.stream_minutes import Minutes, StreamMinutes
from segue.operations.stream_progress import MicroBatch, StreamProgress
from segue.spark.causes import explain, is_known
from segue.storage.mongo import PyMongoError
from segue.storage.store import Store
from segue.streaming_jobs.metrics import Metrics
from segue.streaming_jobs.query import is_gate_closed
from segue.streaming_jobs.query_progress import QueryProgress
from segue.streaming_jobs.regularly import Regularly
from segue.streaming_jobs.rejections import OBSERVED
from segue.streaming_jobs.traces import BatchTraces

log = logging.getLogger(__name__)
_FLUSH_SECONDS = 1.0


def as_document(progress: dict[str, Any]) -> MicroBatch:
    """The stored form of Spark's progress of one micro-batch."""
    state = progress.get("stateOperators") or [{}]
    source = (progress.get("sources") or [{}])[0]
    watermark = (progress.get("eventTime") or {}).get("watermark")
    return {
        "_id": f"{progress['name']}:{progress['batchId']}",
        "query": progress["name"],
        "batch": progress["batchId"],
        "at": _time(progress["timestamp"]),
        "input_rows": progress["numInputRows"],
        "input_rate": _finite(progress.get("inputRowsPerSecond")),
        "processed_rate": _finite(progress.get("processedRowsPerSecond")),
        "duration_ms": dict(progress["durationMs"]),
        "state_rows": sum(operator.get("numRowsTotal", 0) for operator in state),
        "state_bytes": sum(operator.get("memoryUsedBytes", 0) for operator in state),
        "late_rows": sum(operator.get("numRowsDroppedByWatermark", 0) for operator in state),
        "watermark": _time(watermark) if watermark and not watermark.startswith("1970") else None,
        "backlog": _backlog(source),
    }


def _backlog(source: dict[str, Any]) -> int:
    """Records that wait in all partitions together: the newest offsets minus those read."""
    latest, read = source.get("latestOffset") or {}, source.get("endOffset") or {}
    return sum(
        newest - read.get(topic, {}).get(partition, 0)
        for topic, partitions in latest.items()
        for partition, newest in partitions.items()
    )


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text.replace("Z", "+00:00"))


def _finite(number: float | None) -> float:
    """A rate as a number: Spark omits it for an empty batch, and reports "Infinity" for a batch of 0 ms."""
    value = float(number or 0)
    return value if value < float("inf") else 0.0


class ProgressEvents:
    """A query listener for the Java side.

    `take` gets each report as JSON, `ended` the text of an error; `queries` learns that queries start, wait
    for records, and end.
    """

    def __init__(
        self, take: Callable[[str], None], queries: QueryProgress, ended: Callable[[str], None]
    ) -> None:
        self._take, self._queries, self._ended = take, queries, ended
        self._names: dict[str, str] = {}
        """The names of the queries by run."""

    def onQueryStarted(self, event: Any) -> None:  # noqa: N802
        if name := event.name():
            self._names[event.runId().toString()] = name
            self._queries.started(name)

    def onQueryProgress(self, event: Any) -> None:  # noqa: N802
        self._take(event.progress().json())

    def onQueryIdle(self, event: Any) -> None:  # noqa: N802
        if name := self._names.get(event.runId().toString()):
            self._queries.progressed(name)

    def onQueryTerminated(self, event: Any) -> None:  # noqa: N802
        if name := self._names.pop(event.runId().toString(), None):
            self._queries.ended(name)
        error = event.exception()
        if error.isDefined():
            self._ended(error.get())

    class Java:
        implements = ("org.apache.spark.sql.streaming.PythonStreamingQueryListener",)

    def listen(self, spark: SparkSession) -> None:
        """Listen from now on, until the session ends."""
        gateway = spark.sparkContext._gateway
        assert gateway is not None
        ensure_callback_server_started(gateway)  # type: ignore[no-untyped-call]
        wrapper = gateway.jvm.org.apache.spark.sql.streaming.PythonStreamingQueryListenerWrapper(self)
        spark._jsparkSession.streams().addListener(wrapper)


class ProgressKeeper:
    """Stores Spark's progress reports. A separate thread writes them, so that no batch waits for it."""

    def __init__(
        self,
        store: Store,
        metrics: Metrics,
        *,
        single: timedelta,
        summed: timedelta,
        also: Callable[[dict[str, Any]], None] = lambda report: None,
    ) -> None:
        """Single micro-batches are kept for `single`, their sums by the minute for `summed`.

        `also` is called with each report.
        """
        self._metrics, self._also, self._traces = metrics, also, BatchTraces(store)
        self._batches, self._minutes_kept = keepers(store, single=single, summed=summed)
        self._waiting: deque[MicroBatch] = deque(maxlen=10_000)
        self._minutes = Minutes()
        self._writing = Regularly(self._flush, name="progress", seconds=_FLUSH_SECONDS)

    def listen(self, spark: SparkSession) -> None:
        """Listen to all queries of the session."""
        ProgressEvents(self._take, self._metrics.queries, self._ended).listen(spark)

    def _take(self, report: str) -> None:
        progress = json.loads(report)
        self._also(progress)
        self._traces.take(progress)
        if observed := (progress.get("observedMetrics") or {}).get(OBSERVED):
            self._metrics.rejections.reported(progress["batchId"], observed)
        document = as_document(progress)
        self._metrics.queries.progressed(document["query"])
        self._metrics.progressed(document)
        if document["input_rows"] or document["batch"] == 0:
            self._waiting.append(document)

    def _ended(self, error: str) -> None:
        if is_gate_closed(error):
            log.info("a query ended before its next micro-batch, as requested")
        else:
            # Spark's own lines of it are switched off in conf/log4j2.properties.
            log.log(logging.DEBUG if is_known(error) else logging.ERROR, "the error in full: %s", error)
            log.error("a query ended: %s", explain(error))

    def close(self) -> None:
        """Write the remaining reports."""
        self._writing.close()

    def _flush(self) -> None:
        documents = [self._waiting.popleft() for _ in range(len(self._waiting))]
        fresh, reasons = self._metrics.since_last()
        try:
            self._traces.flush()
            self._batches.write(documents)
            changes = self._minutes.updates(documents, fresh, reasons, now=datetime.now(UTC))
            self._minutes_kept.add(changes)
        except PyMongoError as error:
            log.warning("progress of %d batches is not stored: %s", len(documents), error)


def keepers(store: Store, *, single: timedelta, summed: timedelta) -> tuple[StreamProgress, StreamMinutes]:
    """The owners of both: single micro-batches are kept for `single`, minutes for `summed`."""
    batches, minutes = StreamProgress(store), StreamMinutes(store)
    for collection, time in ((batches, single), (minutes, summed)):
        collection.prepare()
        collection.keep(time)
    return batches, minutes
