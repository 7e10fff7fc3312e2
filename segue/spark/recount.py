"""Facts from plays by SQL alone, for the batch job: computed otherwise than by the stream."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import timedelta
from itertools import groupby
from typing import Any

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from segue.engagement.definitions import (
    ACTIONS,
    COMPLETE_SHARE,
    COUNTED,
    COUNTS,
    EARLY_MS,
    ENDS,
    LONGEST_MS,
)
from segue.engagement.facts import Described, Fact, in_order
from segue.spark.event_windows import EVENT

_WHICH = ("window_start", "user_id")
_BY = (*_WHICH, "track_id", "source", "model", "rank")


def counted_rows(plays: DataFrame, *, window: timedelta) -> DataFrame:
    """Play -> CountedRow: the counts of a listener's window by track, source, model and rank.

    Ordered by window and listener; beside the counts, `events`, `first_at` and `last_at` of the row.
    """
    length = int(window.total_seconds() * 1000)
    one = F.min_by(F.struct(*EVENT), "occurred_at").alias("event")
    distinct = (
        plays.where(F.col("type").isin(*COUNTED))
        .withColumn("window_start", F.col("occurred_at") - F.col("occurred_at") % length)
        .groupBy(*_WHICH, "event_id")
        .agg(one)
        .select(*_WHICH, "event.*")
    )
    acted_at = F.expr(f"CASE WHEN type IN {ACTIONS} THEN occurred_at END")
    return (
        distinct.withColumns(_flags())
        .groupBy(*_BY)
        .agg(
            *(F.sum(name).alias(name) for name in COUNTS),
            F.count("*").alias("events"),
            F.min(acted_at).alias("first_at"),
            F.max(acted_at).alias("last_at"),
        )
        .orderBy(*_WHICH)
    )


def _flags() -> dict[str, Any]:
    """The definitions as SQL, a column for each count."""
    ended = f"type IN {ENDS}"
    to_the_end = (
        f"type = 'complete' OR ({ended} AND duration_ms > 0 AND ms_played >= {COMPLETE_SHARE} * duration_ms)"
    )
    skipped = f"type = 'skip' AND NOT ({to_the_end})"
    early = f"{skipped} AND ms_played < {EARLY_MS} AND (duration_ms <= 0 OR 2 * ms_played < duration_ms)"
    rules = {
        "starts": "type = 'play'",
        "plays": ended,
        "completions": to_the_end,
        "skips": skipped,
        "early_skips": early,
        "likes": "type = 'like'",
        "dislikes": "type = 'dislike'",
        "impressions": "type = 'impression'",
    }
    flags = {name: F.expr(f"CASE WHEN {rule} THEN 1 ELSE 0 END") for name, rule in rules.items()}
    heard = F.expr(f"CASE WHEN {ended} THEN least(ms_played, {LONGEST_MS}) ELSE 0 END")
    return flags | {"listening_ms": heard}


def facts_of_rows(rows: Iterable[Any], *, described: Described) -> Iterator[Fact]:
    """CountedRows, in their order, to facts."""
    key: Callable[[Any], tuple[int, str]] = lambda row: (row.window_start, row.user_id)  # noqa: E731
    for (start, user), group in groupby(rows, key=key):
        found = list(group)
        known = described({row.track_id for row in found})
        first = [row.first_at for row in found if row.first_at is not None]
        last = [row.last_at for row in found if row.last_at is not None]
        yield Fact(
            user_id=user,
            start=start,
            rows=in_order(_row(row, known.get(row.track_id, ("", ""))) for row in found),
            events=sum(row.events for row in found),
            first_at=min(first, default=None),
            last_at=max(last, default=None),
        )


def _row(row: Any, description: tuple[str, str]) -> dict[str, Any]:
    artist, genre = description
    named = {"track_id": row.track_id, "artist": artist, "genre": genre, "source": row.source}
    counts = {name: row[name] for name in COUNTS}
    return named | {"variant": row.model or "", "rank": row.rank} | counts
