"""Plays to the newest ones of each listener and window: Spark transforms.

``Play -> SignalWindow | EventWindow``. The state of a window *is* the list of its newest plays. It needs no
second stateful operator against repeated deliveries (Spark does not chain deduplication and aggregation in
update mode): readers of the list count an event once, a late event joins its window, and the window leaves
the state with the watermark. Tastes and statistics are made from the list. Its length is limited, so that
many plays of one listener cannot slow every micro-batch down.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from functools import reduce
from operator import or_

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.sql.internal import InternalFunction

from segue.plays.added_fields import LATER
from segue.plays.event import EVENT_WINDOW, KEPT, SIGNAL_WINDOW, WindowFields
from segue.plays.event_types import COUNTED, SIGNALS
from segue.settings import EngagementSettings, StreamSettings


def signals_by_window(plays: DataFrame, *, stream: StreamSettings) -> DataFrame:
    """Play -> SignalWindow: `user_id`, `window_start` (epoch ms), `signals` (array of struct).

    In update mode, a row is emitted again, complete, whenever its window gets a signal. The newest
    `stream.max_signals_per_window` deliveries of each window are kept, including repeated deliveries.
    """
    return _by_window(
        plays.where(F.col("type").isin(*SIGNALS)),
        SIGNAL_WINDOW,
        length=stream.window,
        watermark=stream.watermark,
        most=stream.max_signals_per_window,
    )


def events_by_window(
    plays: DataFrame, *, stream: StreamSettings, engagement: EngagementSettings
) -> DataFrame:
    """Play -> EventWindow: `user_id`, `window_start` (epoch ms), `events` (array of struct).

    As :func:`signals_by_window`, with the newest `engagement.max_events_per_window` of each window.
    """
    return _by_window(
        plays.where(F.col("type").isin(*COUNTED)),
        EVENT_WINDOW,
        length=engagement.window,
        watermark=stream.watermark,
        most=engagement.max_events_per_window,
    )


def _by_window(
    plays: DataFrame, window: WindowFields, *, length: timedelta, watermark: timedelta, most: int
) -> DataFrame:
    # Spark has no public aggregate that keeps the k largest without a buffer of k for every group; this is
    # the one behind pandas' nlargest on Spark.
    newest = InternalFunction.collect_top_k(F.struct(*window.state), most, False)
    return (
        _folded(plays, KEPT)
        .withColumn("time", F.timestamp_millis("occurred_at"))
        .withWatermark("time", interval(watermark))
        .groupBy(F.window("time", interval(length)).alias("window"), "user_id")
        .agg(newest.alias(window.name))
        .select(
            "user_id",
            F.unix_millis("window.start").alias("window_start"),
            window.name,
        )
    )


def _folded(plays: DataFrame, later: Sequence[str]) -> DataFrame:
    """Play -> Play whose `type` also contains the fields that were added later, if it has any of them."""
    return plays.withColumn("type", _folded_type(later)) if later else plays


def _folded_type(later: Sequence[str]) -> Column:
    if not later:
        return F.col("type")
    some = reduce(or_, (F.col(name).isNotNull() for name in later))
    text = F.concat("type", F.lit(LATER), F.to_json(F.struct(*later)))
    return F.when(some, text).otherwise(F.col("type"))


def kept_in_state(window: WindowFields) -> Column:
    """The struct that the state of a window has of a play: the greatest structs of a window are kept."""
    return F.struct(
        *(_folded_type(KEPT).alias(name) if name == "type" else F.col(name) for name in window.state)
    )


def interval(duration: timedelta) -> str:
    """A duration in Spark's notation."""
    return f"{int(duration.total_seconds() * 1000)} milliseconds"
