"""Plays to the newest ones of each listener and event-time window: Spark transforms.

The window's state *is* the list of its newest plays. It needs no second stateful operator against repeated
deliveries (Spark does not chain deduplication and aggregation in update mode): whoever reads the list counts
an event once, a late one joins its window, and the window leaves the state with the watermark. Tastes and
statistics are made from the list. Its length has a bound, so that one listener's flood of plays cannot slow
every micro-batch down.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from functools import reduce
from operator import or_

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.sql import types as T
from pyspark.sql.internal import InternalFunction

from segue.plays.event import EVENT_WINDOW, KEPT, SIGNAL_WINDOW, WindowFields
from segue.plays.event_types import COUNTED, SIGNALS
from segue.settings import EngagementSettings, StreamSettings
from segue.spark.parsing import PLAY_SCHEMA

_LATER = "\n"
"""Parts the type of a play from the fields that were added later; no text of a play may hold it."""


def signals_by_window(plays: DataFrame, *, stream: StreamSettings) -> DataFrame:
    """Play -> SignalWindow: `user_id`, `window_start` (epoch ms), `signals` (array of struct).

    In update mode a row comes out again, whole, whenever a signal for its window came. Of each window the
    newest `stream.window_signals` deliveries are kept; a repeated one is among them as often as it came.
    """
    return _by_window(
        plays.where(F.col("type").isin(*SIGNALS)),
        SIGNAL_WINDOW,
        length=stream.window,
        watermark=stream.watermark,
        most=stream.window_signals,
    )


def events_by_window(
    plays: DataFrame, *, stream: StreamSettings, engagement: EngagementSettings
) -> DataFrame:
    """Play -> EventWindow: `user_id`, `window_start` (epoch ms), `events` (array of struct).

    As :func:`signals_by_window`, with the newest `engagement.window_events` of each window.
    """
    return _by_window(
        plays.where(F.col("type").isin(*COUNTED)),
        EVENT_WINDOW,
        length=engagement.window,
        watermark=stream.watermark,
        most=engagement.window_events,
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
            _unfolded(window, KEPT).alias(window.name),
        )
    )


def _folded(plays: DataFrame, later: Sequence[str]) -> DataFrame:
    """Play -> Play whose `type` also holds the fields that were added later, where it has any of them."""
    if not later:
        return plays
    some = reduce(or_, (F.col(name).isNotNull() for name in later))
    text = F.concat("type", F.lit(_LATER), F.to_json(F.struct(*later)))
    return plays.withColumn("type", F.when(some, text).otherwise(F.col("type")))


def _unfolded(window: WindowFields, later: Sequence[str]) -> Column:
    """The list of a window with a field of its own for each that was added later.

    A type that an earlier or later release has folded others into is a plain one again.
    """
    schema = T.StructType([PLAY_SCHEMA[name] for name in later])

    def unfold(play: Column) -> Column:
        kind = F.substring_index(play["type"], _LATER, 1)
        fields = [(kind if name == "type" else play[name]).alias(name) for name in window.state]
        if later:
            added = F.from_json(F.split_part(play["type"], F.lit(_LATER), F.lit(2)), schema)
            fields += [added[name].alias(name) for name in later]
        return F.struct(*fields)

    return F.transform(window.name, unfold)


def interval(duration: timedelta) -> str:
    """A duration as Spark writes it."""
    return f"{int(duration.total_seconds() * 1000)} milliseconds"
