"""Transition rules: the tracks that listeners play after a track, and before it, from sessions, by Spark.

``Step -> Rule``. A step from `a` to a later `b` has the weight 1 / places between (Ludewig and Jannach,
2018); the reverse rule gets a share of it, which makes the two neighbours where the order says little. The
weight that one listener adds to a rule is limited, so that a listener who alternates two tracks all day does
not make a rule for everybody. `models.rules.min_listeners` is the number of listeners that a rule needs.
"""

from __future__ import annotations

from typing import Any, TypedDict

import numpy as np
from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from pyspark.sql.window import Window

from segue.index.track_ids import encode_ids
from segue.settings import RuleSettings, Settings
from segue.spark.learned_model import Arrays, LearnedModel, Lesson


class Rule(TypedDict):
    """A track that listeners play after another, or before it."""

    track_id: str
    """The track."""
    next_id: str
    """The track that follows or precedes it."""
    score: float
    """The score, in (0, 1]."""
    listeners: int
    """The number of listeners who have played both."""


RULE = tuple(Rule.__annotations__)


def transition_rules(steps: DataFrame, *, rules: RuleSettings) -> DataFrame:
    """Step -> Rule: for each track, the `rules_per_track` best tracks that followed or preceded it.

    A rule's score is its weight divided by that of the track's strongest rule, times
    ``listeners / (listeners + shrinkage)``, so that little evidence has little weight.
    """
    in_session = Window.partitionBy("user_id", "session").orderBy("at", "track_id")
    later = F.array(
        *(
            F.struct(
                F.lead("track_id", gap).over(in_session).alias("next_id"), F.lit(1.0 / gap).alias("near")
            )
            for gap in range(1, rules.max_gap + 1)
        )
    )
    by_listener = (
        steps.select("user_id", "track_id", later.alias("later"))
        .select("user_id", "track_id", F.explode("later").alias("pair"))
        .select("user_id", "track_id", "pair.*")
        .where("next_id IS NOT NULL")
        .groupBy("user_id", "track_id", "next_id")
        .agg(F.least(F.sum("near"), F.lit(rules.max_weight_per_listener)).alias("near"))
    )
    reverse = by_listener.select(
        "user_id",
        F.col("next_id").alias("track_id"),
        F.col("track_id").alias("next_id"),
        (F.col("near") * rules.backward_weight).alias("near"),
    )
    both = by_listener.unionByName(reverse) if rules.backward_weight else by_listener
    of_track = Window.partitionBy("track_id")
    return (
        both.groupBy("track_id", "next_id")
        .agg(F.sum("near").alias("weight"), F.count_distinct("user_id").alias("listeners"))
        .where(F.col("listeners") >= rules.min_listeners)
        .withColumn("evidence", F.col("listeners") / (F.col("listeners") + F.lit(rules.shrinkage)))
        .withColumn("score", F.col("weight") / F.max("weight").over(of_track) * F.col("evidence"))
        .withColumn("place", F.row_number().over(of_track.orderBy(F.desc("score"), "next_id")))
        .where(F.col("place") <= rules.rules_per_track)
        .select(*RULE)
    )


def listener_counts(steps: DataFrame) -> DataFrame:
    """Step -> track_id, listeners: the number of listeners with positive signals on each track."""
    return steps.groupBy("track_id").agg(F.count_distinct("user_id").alias("listeners"))


class TransitionRuleModel(LearnedModel):
    """Transition rules and the number of listeners of each track; the index contains both."""

    kind = "following"

    def settings_of(self, settings: Settings) -> dict[str, Any]:
        return settings.models.rules.stored()

    def learn(self, lesson: Lesson) -> Arrays:
        rules = transition_rules(lesson.steps, rules=lesson.settings.models.rules).toArrow()
        counts = listener_counts(lesson.steps).toArrow().to_pydict()
        listeners = dict(zip(counts["track_id"], counts["listeners"], strict=True))
        names = sorted(listeners, key=str.encode)
        code = {name: number for number, name in enumerate(names)}
        return {
            "track_ids": encode_ids(names),
            "listeners": np.array([listeners[name] for name in names], dtype=np.int32),
            "tracks": np.array([code[name] for name in rules["track_id"].to_pylist()], dtype=np.int32),
            "next": np.array([code[name] for name in rules["next_id"].to_pylist()], dtype=np.int32),
            "scores": rules["score"].to_numpy().astype(np.float32),
        }
