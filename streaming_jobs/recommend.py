"""The query `recommend`: plays from Kafka to each listener's recommendations in MongoDB.

Delivery: the checkpoint has the offsets and the state of the windows; a batch that a crash interrupted is
repeated and gives the same documents (segue.replanning.service).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

from pyspark import Broadcast
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.streaming.query import StreamingQuery

from segue import tracing
from segue.index.active import ActiveBundle
from segue.ranking.feedback import ActiveFeedback
from segue.replanning.service import Replanning
from segue.settings import Settings
from segue.spark.play_windows import signals_by_window
from segue.spark.plays import parse, plays
from segue.spark.session import on_workers
from segue.storage.store import open_store
from segue.streaming_jobs.metrics import Metrics
from segue.streaming_jobs.query import BatchGate, Collector, kafka_records, start_query
from segue.streaming_jobs.traces import observed
from segue.udfs.replan import WRITTEN, Assignment, replan_in_workers

NAME = "recommend"


def transform(records: DataFrame, *, settings: Settings) -> DataFrame:
    """KafkaRecord -> SignalWindow: parse, then window."""
    return signals_by_window(plays(parse(records), stream=settings.stream), stream=settings.stream)


class Recommender:
    """Processes the changed windows of each micro-batch: join, taste, neighbours, rank, write.

    The driver plans a few listeners, which avoids Python workers and a second stage; the workers plan many.
    The number is not known before the batch has run. So the size of the last batch decides, and the driver
    sends a batch that is larger than expected to the workers.
    """

    def __init__(self, spark: SparkSession, settings: Settings, metrics: Metrics) -> None:
        self._spark, self._settings, self._metrics = spark, settings, metrics
        store = open_store(settings)
        self._on_workers = on_workers(settings, master=spark.sparkContext.master)
        self._replanning = Replanning(store, settings)
        self._bundle = ActiveBundle(store, folder=settings.index.folder)
        self._feedback = ActiveFeedback(store)
        self._bundle.current()  # fails before the stream starts if there is no index
        self._assignment: Broadcast[Assignment] | None = None
        self._last_listeners = 0
        self._collect = Collector()

    def __call__(self, windows: DataFrame, batch: int) -> None:
        few = self._settings.stream.max_driver_listeners
        bundle, feedback = self._bundle.current(), self._feedback.current()
        assigned = Assignment(self._on_workers, bundle.version, feedback.version)
        if self._last_listeners > few:
            freshness = self._replan_in_workers(windows, batch, assigned)
        else:
            self._label(batch, "parse, window: signals of the listeners that played")
            table = self._collect(windows)
            if table.num_rows <= few:
                freshness = self._replanning.replan(table, bundle=bundle, feedback=feedback)
            else:
                sent_out = self._spark.createDataFrame(table)
                freshness = self._replan_in_workers(sent_out, batch, assigned)
        self._last_listeners = len(freshness)
        self._metrics.planned(freshness)
        self._metrics.index.info({"version": bundle.version})
        self._metrics.index_refused.set(self._bundle.refused is not None)

    def _replan_in_workers(self, windows: DataFrame, batch: int, assigned: Assignment) -> list[float]:
        self._label(batch, "join, taste, neighbours, rank, write: in workers, by listener")
        by_listener = windows.repartition("user_id")
        written = by_listener.mapInArrow(replan_in_workers(self._assigned(assigned)), WRITTEN)
        return cast("list[float]", written.toArrow().column("freshness_ms").to_pylist())

    def _assigned(self, assigned: Assignment) -> Callable[[], Assignment]:
        """The broadcast of the versions in use, made again only after a new one has been published."""
        if self._assignment is None or self._assignment.value != assigned:
            if self._assignment is not None:
                self._assignment.unpersist()
            self._assignment = self._spark.sparkContext.broadcast(assigned)
        broadcast = self._assignment
        return lambda: broadcast.value

    def _label(self, batch: int, steps: str) -> None:
        """Set the text that the Spark UI shows for the jobs of this batch."""
        self._spark.sparkContext.setJobDescription(f"{NAME} batch {batch}: {steps}")


def _records(spark: SparkSession, settings: Settings) -> DataFrame:
    """The plays topic as KafkaRecord; with a sample of its traces in the progress if traces are on."""
    traced = tracing.active() is not None
    records = kafka_records(spark, settings, name=NAME, traced=traced)
    return observed(records) if traced else records


def start(
    spark: SparkSession,
    settings: Settings,
    *,
    metrics: Metrics | None = None,
    gate: BatchGate | None = None,
) -> StreamingQuery:
    """Start the query; `gate` stops it between two micro-batches."""
    return start_query(
        transform(_records(spark, settings), settings=settings),
        Recommender(spark, settings, metrics or Metrics()),
        name=NAME,
        checkpoint=f"{settings.spark.checkpoint_location}/{NAME}",
        every=settings.stream.trigger_interval,
        gate=gate,
    )
