"""Plays to the counted events of each listener and event-time window: a Spark transform.

As in :mod:`segue.spark.signal_windows`, the window's state is the list of its events: whoever reads it counts
an event once, a late one joins its window, and the window leaves the state with the watermark. Its length has
a bound that no person reaches, so that a flood from one listener cannot slow the stream down.
"""

from __future__ import annotations

from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from pyspark.sql.internal import InternalFunction

from segue.engagement.definitions import COUNTED
from segue.settings import Engagement, Stream
from segue.spark.signal_windows import interval

EVENT = (
    "occurred_at",
    "event_id",
    "track_id",
    "type",
    "ms_played",
    "duration_ms",
    "source",
    "rank",
    "model",
)
"""The fields of one event in a window's `events`; the newest are told by the first."""


def events_by_window(plays: DataFrame, *, stream: Stream, engagement: Engagement) -> DataFrame:
    """Play -> EventWindow: `user_id`, `window_start` (epoch ms), `events` (array of struct EVENT).

    In update mode a row comes out again, whole, whenever an event for its window came. Of each window the
    newest `engagement.window_events` deliveries are kept; a repeated one is among them as often as it came.
    """
    # As in segue.spark.signal_windows.
    newest = InternalFunction.collect_top_k(F.struct(*EVENT), engagement.window_events, False)
    return (
        plays.where(F.col("type").isin(*COUNTED))
        .withColumn("time", F.timestamp_millis("occurred_at"))
        .withWatermark("time", interval(stream.watermark))
        .groupBy(F.window("time", interval(engagement.window)).alias("window"), "user_id")
        .agg(newest.alias("events"))
        .select("user_id", F.unix_millis("window.start").alias("window_start"), "events")
    )
