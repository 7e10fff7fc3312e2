"""Plays to the distinct counted events of each listener and event-time window: a Spark transform.

As in :mod:`segue.taste.windows`, the window's state is the set of its distinct events: a repeated delivery is
the same element, a late one joins its window, and the window leaves the state with the watermark.
"""

from __future__ import annotations

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from segue.engagement.definitions import COUNTED
from segue.settings import Engagement, Stream
from segue.taste.windows import interval

EVENT = (
    "event_id",
    "track_id",
    "type",
    "ms_played",
    "duration_ms",
    "occurred_at",
    "source",
    "rank",
    "model",
)
"""The fields of one event in a window's `events`."""


def events_by_window(plays: DataFrame, *, stream: Stream, engagement: Engagement) -> DataFrame:
    """Play -> EventWindow: `user_id`, `window_start` (epoch ms), `events` (array of struct EVENT).

    In update mode a row comes out again, whole, whenever its window gained an event.
    """
    return (
        plays.where(F.col("type").isin(*COUNTED))
        .withColumn("time", F.timestamp_millis("occurred_at"))
        .withWatermark("time", interval(stream.watermark))
        .groupBy(F.window("time", interval(engagement.window)).alias("window"), "user_id")
        .agg(F.collect_set(F.struct(*EVENT)).alias("events"))
        .select("user_id", F.unix_millis("window.start").alias("window_start"), "events")
    )
