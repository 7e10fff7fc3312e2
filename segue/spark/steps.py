"""Plays to the steps of listeners' sessions: the order of tracks with positive signals. Spark transforms.

``Play -> Step``. A session is a run of one listener's signals without a long gap (as in
:mod:`segue.engagement.sessionization`; not the browser's `session_id`, which may last for weeks).
"""

from __future__ import annotations

from datetime import timedelta
from typing import TypedDict

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.sql.window import Window

from segue.plays.event_types import SIGNALS, ramps
from segue.settings import SignalSettings


class Step(TypedDict):
    """A track with a positive signal in a listener's session."""

    user_id: str
    """The listener."""
    session: int
    """The number of the session among the listener's, from 0."""
    track_id: str
    """The track."""
    at: int
    """The time of its first signal in the session, epoch milliseconds."""
    weight: float
    """The sum of its signals in the session, above 0."""


STEP = tuple(Step.__annotations__)


def steps(plays: DataFrame, *, signals: SignalSettings, gap: timedelta, most: int) -> DataFrame:
    """Play -> Step: a row for each track with a positive signal in a session, at its first signal there.

    Positive means that its signals sum to more than 0. The newest `most` steps of each listener are taken, so
    that no listener's long history outweighs the others.
    """
    which = ("user_id", "event_id")
    earliest = F.min_by(F.struct("occurred_at", "track_id", _weight(signals).alias("weight")), "occurred_at")
    distinct = (
        plays.where(F.col("type").isin(*SIGNALS))
        .groupBy(*which)
        .agg(earliest.alias("event"))
        .select(*which, "event.*")
    )
    in_order = Window.partitionBy("user_id").orderBy("occurred_at", "event_id")
    pause = F.col("occurred_at") - F.lag("occurred_at").over(in_order)
    begins = F.when(pause > int(gap.total_seconds() * 1000), 1).otherwise(0)
    newest = Window.partitionBy("user_id").orderBy(F.desc("at"), "track_id")
    return (
        distinct.withColumn("begins", begins)
        .withColumn("session", F.sum("begins").over(in_order))
        .groupBy("user_id", "session", "track_id")
        .agg(F.min("occurred_at").alias("at"), F.sum("weight").alias("weight"))
        .where("weight > 0")
        .withColumn("age", F.row_number().over(newest))
        .where(F.col("age") <= most)
        .select(*STEP)
    )


def _weight(signals: SignalSettings) -> Column:
    """The weight of a signal, as in :func:`segue.plays.event_types.signal_weights`."""
    share = F.least(F.col("ms_played") / F.greatest(F.col("duration_ms"), F.lit(1)), F.lit(1.0))
    weight = F.lit(0.0)
    for kind, (early, late) in ramps(signals).items():
        weight = F.when(F.col("type") == kind, early + (late - early) * share).otherwise(weight)
    return weight


def fingerprint(step_rows: DataFrame) -> str:
    """Step -> a text that is equal for the same steps, in any order and partitioning."""
    row = step_rows.agg(
        F.count("*").alias("count"), F.bit_xor(F.xxhash64(*STEP[:4], F.round("weight", 6))).alias("sum")
    ).first()
    assert row is not None
    return f"{row['count']}:{row['sum']}"
