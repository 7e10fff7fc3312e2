"""A streaming query over the plays topic: its source, its start, and its stop between two micro-batches."""

from __future__ import annotations

import threading
import time
from datetime import timedelta
from typing import Literal

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.streaming.query import StreamingQuery

from segue.settings import Settings
from segue.spark.session import kafka_options
from segue.spark.windows import interval
from segue.streaming_jobs.micro_batches import BatchFunction, foreach_batch

_ANSWER_SECONDS = 10
"""How long one broker is waited for before another is asked who leads a partition now; Kafka's default, a
minute, is how long a lost broker would hold up the stream."""
_PATIENCE_SECONDS = 80
"""How long the brokers may all be away before a query ends; a refused password is tried as often."""
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


def kafka_records(spark: SparkSession, settings: Settings, *, name: str) -> DataFrame:
    """The plays topic as KafkaRecord: from the checkpoint on, the first time from its beginning."""
    reader = (
        spark.readStream.format("kafka")
        .options(**kafka_options(settings.kafka))
        .option("subscribe", settings.kafka.plays_topic)
        .option("startingOffsets", "earliest")
        .option("maxOffsetsPerTrigger", settings.stream.max_events_per_trigger)
        .option("groupIdPrefix", f"segue-{name}")
        # The consumer's long poll would hold up the end of each small batch.
        .option("kafka.fetch.max.wait.ms", settings.stream.fetch_max_wait_ms)
        .option("kafka.request.timeout.ms", _ANSWER_SECONDS * 1000)
        .option("kafka.default.api.timeout.ms", _ANSWER_SECONDS * 1000)
        .option("fetchOffset.numRetries", _PATIENCE_SECONDS // _ANSWER_SECONDS)
        # Retention may pass offsets that a long outage left unread; that is reported, not fatal.
        .option("failOnDataLoss", "false")
    )
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
    """Start a query that does `work` with each micro-batch of `rows`, until `gate` stops it.

    Parameters
    ----------
    checkpoint
        The folder of the query's offsets and state.
    every
        How often a micro-batch begins at most.
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
    return foreach_batch(writer, guarded, spark=rows.sparkSession).start()
