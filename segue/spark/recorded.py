"""The plays that the topic still has, as a batch: the input of batch jobs."""

from __future__ import annotations

from collections.abc import Mapping
from functools import reduce
from operator import or_

from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F

from segue.settings import Settings, StreamSettings
from segue.spark.plays import parse, plays
from segue.spark.session import source_options


def recorded(spark: SparkSession, settings: Settings, *, complete: bool = False) -> DataFrame:
    """KafkaRecord of all records that the topic of plays has now.

    Parameters
    ----------
    complete
        Whether the job fails if retention removes records while it reads them. Otherwise it does without.
    """
    reader = spark.read.format("kafka").options(**source_options(settings.kafka))
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


def _before(ends: Mapping[int, int]) -> Column:
    each = ((F.col("partition") == place) & (F.col("offset") < end) for place, end in ends.items())
    return reduce(or_, each, F.lit(False))
