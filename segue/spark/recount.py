"""Facts from plays by SQL alone, for the batch job: computed independently of the stream."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import timedelta
from itertools import groupby
from typing import Any

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from segue.engagement.definitions import (
    ACTED,
    ALLOWANCE_MS,
    COUNTS,
    DEFAULT,
    IN_WINDOW,
    Thresholds,
    counts_by,
    takes,
)
from segue.engagement.facts import KEYS, Described, Fact, in_order, row_of
from segue.plays.event import EVENT_WINDOW
from segue.plays.event_types import COUNTED
from segue.spark.play_windows import kept_in_state

_WHICH = ("window_start", "user_id")
_BY = (*_WHICH, *KEYS, "excess")


def counted_rows(
    plays: DataFrame, *, window: timedelta, most: int, thresholds: Thresholds = DEFAULT
) -> DataFrame:
    """Play -> CountedRow: the counts of a listener's window by track, source, model, rank and excess.

    Ordered by window and listener; besides the counts, a row has `events`, `deliveries`, `first_at` and
    `last_at`.

    Parameters
    ----------
    most
        The number of deliveries of a listener that count in a window, the newest of them. It is the limit of
        the state of the stream (:func:`segue.spark.plays.events_by_window`): both must count the same plays.
    """
    length = int(window.total_seconds() * 1000)
    first_copy = F.min_by(F.struct(*EVENT_WINDOW.fields), "occurred_at").alias("event")
    newest_first = Window.partitionBy(*_WHICH).orderBy(kept_in_state(EVENT_WINDOW).desc())
    distinct = (
        plays.where(F.col("type").isin(*COUNTED))
        .withColumn("window_start", F.col("occurred_at") - F.col("occurred_at") % length)
        .withColumn("place", F.row_number().over(newest_first))
        .where(F.col("place") <= most)
        .groupBy(*_WHICH, "event_id")
        .agg(first_copy, F.count("*").alias("copies"))
        .select(*_WHICH, "event.*", "copies")
    )
    in_window = F.col("occurred_at") - F.col("window_start")
    # Events at the same time are in the sum of each of them: it is over a range of times, not over rows.
    up_to_it = Window.partitionBy(*_WHICH).orderBy("occurred_at")
    judged = distinct.withColumn(IN_WINDOW.name, in_window).withColumn(
        "excess", F.sum(F.expr(str(takes(thresholds)))).over(up_to_it) > F.col(IN_WINDOW.name) + ALLOWANCE_MS
    )
    counts = counts_by(thresholds)
    acted_at = F.when(F.expr(str(ACTED)), F.col("occurred_at"))
    return (
        judged.withColumns({name: F.expr(str(count.rule)).cast("long") for name, count in counts.items()})
        .groupBy(*_BY)
        .agg(
            *(F.sum(name).alias(name) for name in COUNTS),
            F.count("*").alias("events"),
            F.sum("copies").alias("deliveries"),
            F.min(acted_at).alias("first_at"),
            F.max(acted_at).alias("last_at"),
        )
        .orderBy(*_WHICH)
    )


def facts_of_rows(rows: Iterable[Any], *, described: Described) -> Iterator[Fact]:
    """Turn CountedRows, in their order, into facts."""
    key: Callable[[Any], tuple[int, str]] = lambda row: (row.window_start, row.user_id)  # noqa: E731
    for (start, user), group in groupby(rows, key=key):
        counted_rows = list(group)
        known = described({row.track_id for row in counted_rows})
        first = [row.first_at for row in counted_rows if row.first_at is not None]
        last = [row.last_at for row in counted_rows if row.last_at is not None]
        yield Fact(
            user_id=user,
            start=start,
            rows=in_order(
                row_of(row.asDict(), known.get(row.track_id), {name: row[name] for name in COUNTS})
                for row in counted_rows
            ),
            events=sum(row.events for row in counted_rows),
            first_at=min(first, default=None),
            last_at=max(last, default=None),
            deliveries=sum(row.deliveries for row in counted_rows),
        )
