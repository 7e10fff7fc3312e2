"""The plays that the topic still has, as a batch: the input of batch jobs."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from functools import reduce
from operator import or_

import pyarrow as pa
from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F

from segue.settings import Settings, StreamSettings
from segue.spark.play_windows import events_by_window, signals_by_window
from segue.spark.plays import parse, plays
from segue.spark.session import source_options

_BESIDE_QUERIES = 5_000
"""Records in a task that runs beside the streaming queries: theirs wait no longer for the core."""


def recorded(
    spark: SparkSession, settings: Settings, *, complete: bool = False, most_in_task: int | None = None
) -> DataFrame:
    """KafkaRecord of all records that the topic of plays has now.

    Parameters
    ----------
    complete
        Whether the job fails if retention removes records while it reads them. Otherwise it does without.
    most_in_task
        The largest number of records in a task; by default, a task reads a whole partition.
    """
    reader = spark.read.format("kafka").options(**source_options(settings.kafka))
    if most_in_task is not None:
        reader = reader.option("maxRecordsPerPartition", most_in_task)
    chosen = reader.option("subscribe", settings.kafka.plays_topic)
    return chosen.option("failOnDataLoss", str(complete).lower()).load()


def plays_of_those_here(
    records: DataFrame, *, stream: StreamSettings, ends: Mapping[int, int] | None = None
) -> DataFrame:
    """KafkaRecord -> Play: the well-formed plays, without those of listeners who have left.

    `ends` limits the plays to those before an offset of each partition; listeners who left later are
    excluded, too.
    """
    left = records.where("key IS NOT NULL AND value IS NULL").select(
        F.col("key").cast("string").alias("user_id")
    )
    taken = records if ends is None else records.where(_before(ends))
    return plays(parse(taken), stream=stream).join(
        F.broadcast(left.distinct()), on="user_id", how="left_anti"
    )


class RecordedWindows:
    """The windows of some listeners' plays that the topic has now, by the expressions of the queries.

    It runs in the session of the queries, whose tasks come first.
    """

    def __init__(self, spark: SparkSession, settings: Settings) -> None:
        self._spark, self._settings = spark, settings
        self._tag, self._cancelled = f"recorded-{id(self)}", False

    def cancel(self) -> None:
        """Interrupt the reading in progress, with an error, and refuse others."""
        self._cancelled = True
        self._spark.sparkContext.cancelJobsWithTag(self._tag)

    def signals(self, listeners: Collection[str]) -> pa.Table:
        """SignalWindow rows."""
        return self._collected(
            signals_by_window(self._plays(listeners), stream=self._settings.stream), listeners
        )

    def events(self, listeners: Collection[str]) -> pa.Table:
        """EventWindow rows."""
        stream, engagement = self._settings.stream, self._settings.engagement
        return self._collected(
            events_by_window(self._plays(listeners), stream=stream, engagement=engagement), listeners
        )

    def _plays(self, listeners: Collection[str]) -> DataFrame:
        records = recorded(self._spark, self._settings, most_in_task=_BESIDE_QUERIES)
        found = plays(parse(records), stream=self._settings.stream)
        return found.where(F.col("user_id").isin(sorted(listeners)))

    def _collected(self, windows: DataFrame, listeners: Collection[str]) -> pa.Table:
        if self._cancelled:
            raise InterruptedError("the reading of the topic was cancelled")
        context = self._spark.sparkContext
        context.setJobDescription(f"windows of listeners with damaged documents: {len(listeners)}")
        context.addJobTag(self._tag)
        return windows.toArrow()


def _before(ends: Mapping[int, int]) -> Column:
    each = ((F.col("partition") == place) & (F.col("offset") < end) for place, end in ends.items())
    return reduce(or_, each, F.lit(False))
