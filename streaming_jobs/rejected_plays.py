"""The query `rejected plays`: writes rejected records, unchanged, with the reason to a separate topic.

It also keeps delayed plays (:mod:`segue.imports.delayed`), which the other queries leave to it.

The records go from Spark's tasks to Kafka. The driver gets their numbers only, with Spark's report of each
micro-batch (:mod:`segue.streaming_jobs.rejections`).

Delivery: at least once. A micro-batch or a task that is repeated writes its records again; each copy has the
same key, the place of the record in the topic of plays. :func:`segue.storage.kafka.read_rejected` gives one
of them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.streaming.query import StreamingQuery

from segue.imports.delayed import DelayedPlays
from segue.settings import Settings
from segue.spark.plays import DELAYED, REASONS, parse, set_aside, without_tombstones
from segue.spark.session import sink_options
from segue.storage.kafka_topics import MAX_RECORD_BYTES, largest_record
from segue.storage.mongo import patient
from segue.storage.store import open_store
from segue.streaming_jobs.metrics import Metrics
from segue.streaming_jobs.pace import Pace
from segue.streaming_jobs.query import BatchGate, Collector, kafka_records, resting, start_query
from segue.streaming_jobs.rejections import OBSERVED, SHARES, share_column

NAME = "rejected plays"
_BY_CORE = 5_000
"""Records for each core in a micro-batch: it keeps half of the cores for some tenths of a second."""
_REST = 3.0
"""After a long micro-batch, the query rests for three times as long, and so takes an eighth of the processor
time. The recommendations need the rest of it, and so do the brokers and MongoDB if they share the machine."""
_KEPT_OF_DELAYED = tuple(
    f"play.{name}" for name in ("user_id", "track_id", "type", "ms_played", "occurred_at")
)
_HEADERS = 64 * 1024
"""Bytes of a kept record that are left for its key and headers."""


def transform(records: DataFrame, *, settings: Settings) -> DataFrame:
    """KafkaRecord -> SetAsideRecord, and the numbers of them, which Spark reports with the micro-batch."""
    aside = set_aside(parse(without_tombstones(records)), stream=settings.stream)
    return aside.observe(
        OBSERVED,
        *(F.count_if(F.col("reason") == reason).alias(reason) for reason in REASONS),
        *(F.count_if(_is_rejected() & _in_sample(one_of)).alias(share_column(one_of)) for one_of in SHARES),
    )


def _is_rejected() -> Column:
    return F.col("reason") != DELAYED


def as_kept(aside: DataFrame, *, one_of: int = 1, most: int = MAX_RECORD_BYTES) -> DataFrame:
    """SetAsideRecord -> `key`, `value` and `headers` of the rejected records that are kept.

    Parameters
    ----------
    one_of
        Keep one of so many records, by their offset.
    most
        The largest record that the topic of rejected records accepts, in bytes. A larger one is cut.
    """
    size = F.octet_length("value")
    room = most - _HEADERS
    headers = {
        "reason": F.col("reason"),
        "topic": F.col("topic"),
        "partition": F.col("partition"),
        "offset": F.col("offset"),
        "timestamp": F.unix_millis("timestamp"),
        "size": F.when(size > room, size),
        "one_of": F.lit(one_of) if one_of > 1 else F.lit(None),
    }
    entries = [
        F.struct(F.lit(name).alias("key"), value.cast("string").cast("binary").alias("value"))
        for name, value in headers.items()
    ]
    return aside.where(_is_rejected() & _in_sample(one_of)).select(
        F.concat_ws(":", "topic", "partition", "offset").cast("binary").alias("key"),
        F.when(size > room, F.substring("value", 1, room)).otherwise(F.col("value")).alias("value"),
        F.filter(F.array(*entries), lambda entry: entry["value"].isNotNull()).alias("headers"),
    )


def _in_sample(one_of: int) -> Column:
    return F.col("offset") % one_of == 0


def start(
    spark: SparkSession,
    settings: Settings,
    *,
    metrics: Metrics | None = None,
    gate: BatchGate | None = None,
) -> StreamingQuery:
    """Start the query; `gate` stops it between two micro-batches."""
    opened, counts = gate or BatchGate(), metrics or Metrics()
    topic, rejections = settings.kafka.rejected_topic, counts.rejections
    patiently, collect = patient(settings.stream.mongo_retry_timeout), Collector()
    most = largest_record(settings.kafka, topic)
    options = sink_options(settings.kafka, largest=MAX_RECORD_BYTES)
    # The records of a broken producer must leave cores to the recommendations.
    tasks = max(1, spark.sparkContext.defaultParallelism // 2)

    @cache
    def delayed() -> DelayedPlays:
        return DelayedPlays(open_store(settings))

    def keep_delayed(plays: Sequence[Mapping[str, Any]]) -> None:
        delayed().keep(plays)

    def keep(aside: DataFrame, batch: int) -> None:
        spark.sparkContext.setJobDescription(f"{NAME} batch {batch}: parse, write")
        one_of = rejections.share(batch, limit=settings.stream.max_rejected_per_second)
        # Reading the records twice would take twice as long, and count them twice.
        aside.persist()
        try:
            kept = as_kept(aside, one_of=one_of, most=most).coalesce(tasks)
            kept.write.format("kafka").options(**options).option("topic", topic).save()
            spark.sparkContext.setJobDescription(f"{NAME} batch {batch}: delayed plays")
            plays = collect(aside.where(~_is_rejected()).select(*_KEPT_OF_DELAYED)).to_pylist()
        finally:
            aside.unpersist()
        if plays:
            patiently(keep_delayed, plays)
            counts.delayed.inc(len(plays))

    pace = Pace.aside(spark, settings, every=settings.stream.rejected_trigger_interval, by_core=_BY_CORE)
    return start_query(
        transform(kafka_records(spark, settings, name="rejected", pace=pace), settings=settings),
        resting(keep, opened, times=_REST),
        name=NAME,
        checkpoint=f"{settings.spark.checkpoint_location}/rejected_plays",
        every=pace.trigger,
        gate=opened,
        mode="append",
    )
