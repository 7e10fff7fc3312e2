"""The query `rejected plays`: writes rejected records, unchanged, with the reason to a separate topic.

Delivery: exactly once for a reader of committed records (segue.storage.kafka.RejectedRecords).
"""

from __future__ import annotations

import logging

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.streaming.query import StreamingQuery

from segue.settings import Settings
from segue.spark.plays import parse, rejected, without_tombstones
from segue.storage.kafka import RejectedRecord, RejectedRecords
from segue.streaming_jobs.progress import Metrics
from segue.streaming_jobs.query import BatchGate, kafka_records, start_query

NAME = "rejected plays"
log = logging.getLogger(__name__)


def transform(records: DataFrame, *, settings: Settings) -> DataFrame:
    """KafkaRecord -> RejectedRecord, with `timestamp` in epoch ms."""
    faulty = rejected(parse(without_tombstones(records)), stream=settings.stream)
    return faulty.select(
        "reason", "topic", "partition", "offset", F.unix_millis("timestamp").alias("timestamp"), "value"
    )


def start(
    spark: SparkSession,
    settings: Settings,
    *,
    metrics: Metrics | None = None,
    gate: BatchGate | None = None,
) -> StreamingQuery:
    """Start the query; `gate` stops it between two micro-batches."""
    sink, metrics = RejectedRecords(settings.kafka), metrics or Metrics()

    def keep(records: DataFrame, batch: int) -> None:
        spark.sparkContext.setJobDescription(f"{NAME} batch {batch}: parse")
        written = sink.write(
            RejectedRecord(**{**row.asDict(), "value": None if row.value is None else bytes(row.value)})
            for row in records.collect()
        )
        for record in written:
            metrics.count_rejected(record.reason)
        if written:
            log.warning("batch %d: %d records rejected; see ./run.sh rejected list", batch, len(written))

    return start_query(
        transform(kafka_records(spark, settings, name="rejected"), settings=settings),
        keep,
        name=NAME,
        checkpoint=f"{settings.spark.checkpoint_location}/rejected_plays",
        every=settings.stream.rejected_trigger_interval,
        gate=gate,
        mode="append",
    )
