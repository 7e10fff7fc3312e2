"""Plays to the distinct signals of each listener and event-time window: a Spark transform.

The window's state *is* the set of its distinct signals. A set makes a repeated delivery count once without a
second stateful operator (Spark does not chain deduplication and aggregation in update mode), it gives the
list of heard tracks, and any taste can be made from it later.
"""

from __future__ import annotations

from datetime import timedelta

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from segue.plays.parsing import signal_weight
from segue.settings import Signals, Stream

SIGNAL = ("event_id", "track_id", "type", "weight", "occurred_at")
"""The fields of one signal in a window's `signals`."""


def signals_by_window(plays: DataFrame, *, stream: Stream, signals: Signals) -> DataFrame:
    """Play -> SignalWindow: `user_id`, `window_start` (epoch ms), `signals` (array of struct SIGNAL).

    In update mode a row comes out again, whole, whenever its window gained a signal.
    """
    weighted = plays.withColumn("weight", signal_weight(signals).cast("float"))
    return (
        weighted.where(F.col("weight").isNotNull())
        .withColumn("time", F.timestamp_millis("occurred_at"))
        .withWatermark("time", interval(stream.watermark))
        .groupBy(F.window("time", interval(stream.window)).alias("window"), "user_id")
        .agg(F.collect_set(F.struct(*SIGNAL)).alias("signals"))
        .select("user_id", F.unix_millis("window.start").alias("window_start"), "signals")
    )


def interval(duration: timedelta) -> str:
    """A duration as Spark writes it."""
    return f"{int(duration.total_seconds() * 1000)} milliseconds"
