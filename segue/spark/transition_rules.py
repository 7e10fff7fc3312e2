"""What listeners play along with a track: sequential rules over sessions and their reverse, by Spark.

``Step -> Followed``. After `a` came `b`, weighed by 1 / places between (Ludewig and Jannach, 2018); that `a`
came before `b` counts by a share of it, which makes them neighbours where the order says little. What one
listener adds to a rule has a cap, so that nobody who plays two tracks in turn all day makes it the rule for
everybody, and a rule needs several listeners: one listener's habits are not shown to others.
"""

from __future__ import annotations

from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from pyspark.sql.window import Window

from segue.settings import Models

FOLLOWED = ("track_id", "next_id", "score", "listeners")
"""The columns of a rule; `score` is in (0, 1]."""


def following(steps: DataFrame, *, models: Models) -> DataFrame:
    """Step -> Followed: of each track the `models.neighbours` best tracks that came after or before it.

    A rule's score is its weight by that of the track's strongest rule, times
    ``listeners / (listeners + models.shrink)``: little evidence weighs little.
    """
    in_session = Window.partitionBy("user_id", "session").orderBy("at", "track_id")
    later = F.array(
        *(
            F.struct(
                F.lead("track_id", gap).over(in_session).alias("next_id"), F.lit(1.0 / gap).alias("near")
            )
            for gap in range(1, models.reach + 1)
        )
    )
    by_listener = (
        steps.select("user_id", "track_id", later.alias("later"))
        .select("user_id", "track_id", F.explode("later").alias("pair"))
        .select("user_id", "track_id", "pair.*")
        .where("next_id IS NOT NULL")
        .groupBy("user_id", "track_id", "next_id")
        .agg(F.least(F.sum("near"), F.lit(models.listener_cap)).alias("near"))
    )
    reverse = by_listener.select(
        "user_id",
        F.col("next_id").alias("track_id"),
        F.col("track_id").alias("next_id"),
        (F.col("near") * models.back).alias("near"),
    )
    both = by_listener.unionByName(reverse) if models.back else by_listener
    of_track = Window.partitionBy("track_id")
    return (
        both.groupBy("track_id", "next_id")
        .agg(F.sum("near").alias("weight"), F.count_distinct("user_id").alias("listeners"))
        .where(F.col("listeners") >= models.min_listeners)
        .withColumn("evidence", F.col("listeners") / (F.col("listeners") + F.lit(models.shrink)))
        .withColumn("score", F.col("weight") / F.max("weight").over(of_track) * F.col("evidence"))
        .withColumn("place", F.row_number().over(of_track.orderBy(F.desc("score"), "next_id")))
        .where(F.col("place") <= models.neighbours)
        .select(*FOLLOWED)
    )


def kept_by(steps: DataFrame) -> DataFrame:
    """Step -> track_id, listeners: how many have kept each track."""
    return steps.groupBy("track_id").agg(F.count_distinct("user_id").alias("listeners"))
