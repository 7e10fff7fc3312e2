"""Plays to the signals of each listener and event-time window: a Spark transform.

The window's state *is* the list of its newest signals. It needs no second stateful operator against repeated
deliveries (Spark does not chain deduplication and aggregation in update mode): whoever reads the list counts
an event once. It gives the list of heard tracks, and any taste can be made from it later. Its length has a
bound, so that one listener's flood of plays cannot slow every micro-batch down.
"""

from __future__ import annotations

from datetime import timedelta

from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from pyspark.sql.internal import InternalFunction

from segue.plays.signals import TYPES
from segue.settings import Stream

SIGNAL = ("occurred_at", "event_id", "track_id", "type", "ms_played", "duration_ms")
"""The fields of one signal in a window's `signals`; the newest are told by the first."""


def signals_by_window(plays: DataFrame, *, stream: Stream) -> DataFrame:
    """Play -> SignalWindow: `user_id`, `window_start` (epoch ms), `signals` (array of struct SIGNAL).

    In update mode a row comes out again, whole, whenever a signal for its window came. Of each window the
    newest `stream.window_signals` deliveries are kept; a repeated one is among them as often as it came.
    """
    # Spark has no public aggregate that keeps the k largest without a buffer of k for every group; this is
    # the one behind pandas' nlargest on Spark.
    newest = InternalFunction.collect_top_k(F.struct(*SIGNAL), stream.window_signals, False)
    return (
        plays.where(F.col("type").isin(*TYPES))
        .withColumn("time", F.timestamp_millis("occurred_at"))
        .withWatermark("time", interval(stream.watermark))
        .groupBy(F.window("time", interval(stream.window)).alias("window"), "user_id")
        .agg(newest.alias("signals"))
        .select("user_id", F.unix_millis("window.start").alias("window_start"), "signals")
    )


def interval(duration: timedelta) -> str:
    """A duration as Spark writes it."""
    return f"{int(duration.total_seconds() * 1000)} milliseconds"
