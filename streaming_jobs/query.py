"""A streaming query over the plays topic: its source, its start, its micro-batches and its stop between two.

PySpark makes dozens of calls through py4j for each micro-batch: a session object, its class looked up by name
in every jar, settings, the schema as JSON, each field of a progress report. At ten micro-batches a second
they took a quarter of the processor time (docs/decisions/0010). This module and the progress reports
(:mod:`segue.streaming_jobs.progress`) need a handful of calls. They depend on PySpark's inner classes; the
version is pinned, and the streaming tests run it.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any, Literal

import pyarrow as pa
from pyspark.java_gateway import ensure_callback_server_started
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.classic.dataframe import DataFrame as ClassicDataFrame
from pyspark.sql.pandas.serializers import ArrowCollectSerializer
from pyspark.sql.pandas.types import to_arrow_schema
from pyspark.sql.streaming.query import StreamingQuery
from pyspark.sql.streaming.readwriter import DataStreamWriter
from pyspark.sql.utils import ForeachBatchFunction
from pyspark.util import _load_from_socket

from segue.settings import Settings, milliseconds
from segue.spark.play_windows import interval
from segue.spark.session import source_options
from segue.streaming_jobs.pace import Pace

BatchFunction = Callable[[DataFrame, int], None]
_ANSWER_SECONDS = 10
"""How long Spark waits for one broker before it asks another for the leader of a partition. Kafka's default,
a minute, is how long a lost broker would stop the stream."""
_PATIENCE_SECONDS = 80
"""How long all brokers may be unavailable before a query ends; a refused password is retried as long."""
_COMMIT_SECONDS = 10.0
"""How long the commit of a finished micro-batch may take."""
PATIENCE = 120.0
"""How long the micro-batch in progress may take when a query ends, in seconds."""
_LONG_SECONDS = 0.2
_LONGEST_REST = 10.0
"""The shortest micro-batch after which a query rests, and the longest rest, in seconds."""
POOL = "spark.scheduler.pool"
"""The property of a thread that names the group of its Spark jobs. Groups share the cores fairly."""


def pool_of(query: str) -> str:
    """The name of a query's pool: without spaces, since Spark's pages link to it without escaping."""
    return query.replace(" ", "-")


class GateClosed(Exception):
    """A micro-batch started after the gate was closed. It did nothing, and is repeated at the next start."""


def is_gate_closed(error: str) -> bool:
    """Whether Spark's text of the error that ended a query is that of :class:`GateClosed`."""
    return f"{GateClosed.__module__}.{GateClosed.__qualname__}: " in error


class BatchGate:
    """Lets the micro-batch in progress finish and commit, and refuses the next."""

    def __init__(self) -> None:
        self._closed = threading.Event()
        self._working = threading.Lock()

    def guarded(self, work: BatchFunction) -> BatchFunction:
        """The function for `foreachBatch` that does `work` while the gate is open."""

        def run(rows: DataFrame, batch: int) -> None:
            with self._working:
                if self._closed.is_set():
                    raise GateClosed(f"batch {batch} waits for the next start")
                work(rows, batch)

        return run

    def rest(self, seconds: float) -> None:
        """Pause the micro-batch that calls it, no longer than until the gate is closed."""
        self._closed.wait(seconds)

    def close(self) -> None:
        """Refuse the next micro-batch; the one in progress continues."""
        self._closed.set()

    def stop(self, query: StreamingQuery, *, patience: float = PATIENCE) -> bool:
        """Close the gate and end the query; False if the batch in progress took longer than `patience`."""
        self.close()
        finished = self._working.acquire(timeout=patience)
        if finished:
            self._working.release()
            end = time.monotonic() + _COMMIT_SECONDS
            while query.isActive and query.status["isTriggerActive"] and time.monotonic() < end:
                time.sleep(0.02)
        query.stop()
        return finished


def resting(
    work: BatchFunction, gate: BatchGate, *, times: float, within: timedelta | None = None
) -> BatchFunction:
    """The function that does `work`, and then leaves the processor to other queries.

    After a long micro-batch it rests for `times` as long as the work took, at most ten seconds.

    Parameters
    ----------
    within
        Rest only if the micro-batch before began no longer ago than this. A query whose micro-batches wait
        longer than this for their records has no backlog.
    """
    last = -math.inf

    def run(rows: DataFrame, batch: int) -> None:
        nonlocal last
        began = time.monotonic()
        backlog, last = within is None or began - last < within.total_seconds(), began
        work(rows, batch)
        if backlog and (worked := time.monotonic() - began) > _LONG_SECONDS:
            gate.rest(min(times * worked, _LONGEST_REST))

    return run


def kafka_records(
    spark: SparkSession, settings: Settings, *, name: str, pace: Pace | None = None, traced: bool = False
) -> DataFrame:
    """The plays topic as KafkaRecord: from the checkpoint on; without one, from the topic's beginning.

    With `traced`, the records have their headers.
    """
    reader = (
        spark.readStream.format("kafka")
        .options(**source_options(settings.kafka))
        .option("subscribe", settings.kafka.plays_topic)
        .option("startingOffsets", "earliest")
        .options(**(pace or Pace.at_once(settings)).options())
        .option("groupIdPrefix", f"segue-{name}")
        # The consumer's long poll would delay the end of each small batch.
        .option("kafka.fetch.max.wait.ms", milliseconds(settings.stream.fetch_max_wait))
        .option("kafka.request.timeout.ms", _ANSWER_SECONDS * 1000)
        .option("kafka.default.api.timeout.ms", _ANSWER_SECONDS * 1000)
        .option("fetchOffset.numRetries", _PATIENCE_SECONDS // _ANSWER_SECONDS)
        # Otherwise Spark would skip missing records; segue.streaming_jobs.topic_guard decides how to go on.
        .option("failOnDataLoss", "true")
    )
    if traced:
        reader = reader.option("includeHeaders", "true")
    return reader.load()


def start_query(
    rows: DataFrame,
    work: BatchFunction,
    *,
    name: str,
    checkpoint: str,
    every: timedelta,
    gate: BatchGate | None,
    mode: Literal["append", "update"] = "update",
) -> StreamingQuery:
    """Start a query that calls `work` with each micro-batch of `rows`, until `gate` stops it.

    Parameters
    ----------
    checkpoint
        The folder of the query's offsets and state.
    every
        The shortest interval between the starts of two micro-batches.
    gate
        None for a query that is never stopped between two micro-batches.
    """
    writer = (
        rows.writeStream.queryName(name)
        .outputMode(mode)
        .option("checkpointLocation", checkpoint)
        .trigger(processingTime=interval(every))
    )
    guarded = gate.guarded(work) if gate else work
    # The thread of the query takes over the properties of the one that starts it.
    context = rows.sparkSession.sparkContext
    context.setLocalProperty(POOL, pool_of(name))
    try:
        return foreach_batch(writer, guarded, spark=rows.sparkSession).start()
    finally:
        context.setLocalProperty(POOL, "default")


class _BatchFunction(ForeachBatchFunction):
    """Passes on each micro-batch in the query's session, where PySpark would create a new session object."""

    session: SparkSession

    def call(self, jdf: Any, batch_id: int) -> None:
        try:
            self.func(ClassicDataFrame(jdf, self.session), batch_id)
        # Any error is kept as PySpark's own function does, and passed to the JVM.
        except Exception as error:
            self.error = error
            raise


def foreach_batch(writer: DataStreamWriter, work: BatchFunction, *, spark: SparkSession) -> DataStreamWriter:
    """Do the same as `writer.foreachBatch(work)`, with fewer calls to the JVM.

    The frames that `work` gets are read with the settings of `spark`, not with those that Spark changes for a
    streaming query (adaptive execution is off in both).
    """
    gateway = spark.sparkContext._gateway
    assert gateway is not None
    helper = gateway.jvm.org.apache.spark.sql.execution.streaming.sources.PythonForeachBatchHelper
    helper.callForeachBatch(writer._jwrite, _BatchFunction(spark, work))
    ensure_callback_server_started(gateway)  # type: ignore[no-untyped-call]
    return writer


class Collector:
    """Collects frames with the same schema, which is read once."""

    def __init__(self) -> None:
        self._schema: pa.Schema | None = None

    def __call__(self, rows: DataFrame) -> pa.Table:
        """Do the same as `rows.toArrow()`."""
        if self._schema is None:
            self._schema = to_arrow_schema(rows.schema, timezone="UTC")
        port, secret, server = rows._jdf.collectAsArrowToPython()
        try:
            serializer = ArrowCollectSerializer()  # type: ignore[no-untyped-call]
            with _load_from_socket((port, secret), serializer) as stream:
                *batches, order = stream
        finally:
            server.getResult()  # raises the error of a failed task
        if not batches:
            return self._schema.empty_table()
        return pa.Table.from_batches([batches[i] for i in order]).cast(self._schema)
