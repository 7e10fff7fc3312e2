"""From a listener's events in a window to what is kept of them, a fact: statistics are sums over facts."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from segue.engagement.definitions import (
    ACTIONS,
    COMPLETE_SHARE,
    COUNTS,
    EARLY_MS,
    ENDS,
    LONGEST_MS,
)
from segue.spark.event_windows import EVENT

KEYS = ("track_id", "source", "model", "rank")
"""What tells the rows of a fact apart."""


@dataclass(frozen=True)
class Fact:
    """What one listener did in one window."""

    user_id: str
    start: int
    """Epoch ms."""
    rows: list[dict[str, Any]]
    """By track, source, variant and rank, in that order: the counts of :data:`COUNTS`."""
    events: int
    """Distinct events that it is made of: of two facts of one window the one with more is the newer."""
    first_at: int | None
    last_at: int | None
    """Epoch ms of the first and the last action; None where there are impressions only."""

    @property
    def id(self) -> str:
        return f"{self.start}:{self.user_id}"

    def document(self, *, definitions: str) -> dict[str, Any]:
        """As it is kept in MongoDB's `listening`."""
        return {
            "_id": self.id,
            "user_id": self.user_id,
            "start": datetime.fromtimestamp(self.start / 1000, UTC),
            "rows": self.rows,
            "events": self.events,
            "first_at": self.first_at,
            "last_at": self.last_at,
            "definitions": definitions,
        }


Described = Callable[[Iterable[str]], Mapping[str, tuple[str, str]]]
"""Track ids -> artist and genre of each, empty text where not known."""


def facts_of(table: pa.Table, *, described: Described) -> list[Fact]:
    """Count each row's events.

    Parameters
    ----------
    table
        EventWindow rows: `user_id`, `window_start`, `events` (list of struct of
        :data:`segue.spark.event_windows.EVENT`). Order within a row does not matter.

    Returns
    -------
    A fact for each row, in the order of the rows.
    """
    if not table.num_rows:
        return []
    events = _distinct(table.combine_chunks())
    counted = _counted(events)
    by = ["row", *KEYS]
    sums = counted.group_by(by).aggregate([(name, "sum") for name in COUNTS])
    known = described(set(sums.column("track_id").to_pylist()))
    rows: list[list[dict[str, Any]]] = [[] for _ in range(table.num_rows)]
    for found in sums.to_pylist():
        artist, genre = known.get(found["track_id"], ("", ""))
        one = {"track_id": found["track_id"], "artist": artist, "genre": genre, "source": found["source"]}
        one |= {"variant": found["model"] or "", "rank": found["rank"]}
        rows[found["row"]].append(one | {name: found[f"{name}_sum"] for name in COUNTS})
    spans = counted.group_by("row").aggregate([("acted_at", "min"), ("acted_at", "max"), ("row", "count")])
    span_of = {one["row"]: one for one in spans.to_pylist()}
    return [
        Fact(
            user_id=user,
            start=start,
            rows=in_order(rows[i]),
            events=span_of[i]["row_count"],
            first_at=span_of[i]["acted_at_min"],
            last_at=span_of[i]["acted_at_max"],
        )
        for i, (user, start) in enumerate(
            zip(table.column("user_id").to_pylist(), table.column("window_start").to_pylist(), strict=True)
        )
    ]


def in_order(rows: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """A fact's rows by track, source, variant and rank, so that the same fact is the same document."""
    return sorted(rows, key=lambda row: (row["track_id"], row["source"], row["variant"], row["rank"] or -1))


def _distinct(table: pa.Table) -> pa.Table:
    """The events of all rows with the number of their row; of one row's events with one id, the earliest."""
    lists = table.column("events").combine_chunks()
    if isinstance(lists, pa.ChunkedArray):
        lists = lists.chunk(0)
    flat = pc.list_flatten(lists)
    columns = {name: flat.field(name) for name in EVENT}
    events = pa.table({"row": pc.list_parent_indices(lists), **columns})
    ids = pc.dictionary_encode(columns["event_id"]).indices.to_numpy(zero_copy_only=False)
    row = events.column("row").to_numpy()
    order = np.lexsort((events.column("occurred_at").to_numpy(), ids, row))
    again = np.r_[False, (np.diff(row[order]) == 0) & (np.diff(ids[order]) == 0)]
    return events.take(pa.array(order[~again[: len(order)]]))


def _counted(events: pa.Table) -> pa.Table:
    """The definitions, a column for each count: 0, 1 or milliseconds."""
    kind = np.asarray(events.column("type").to_pylist(), dtype=object)
    heard = events.column("ms_played").to_numpy()
    duration = events.column("duration_ms").to_numpy()
    ended = np.isin(kind, ENDS)
    to_the_end = (kind == "complete") | (ended & (duration > 0) & (heard >= COMPLETE_SHARE * duration))
    skipped = (kind == "skip") & ~to_the_end
    early = skipped & (heard < EARLY_MS) & ((duration <= 0) | (2 * heard < duration))
    columns = {
        "starts": kind == "play",
        "plays": ended,
        "completions": to_the_end,
        "skips": skipped,
        "early_skips": early,
        "likes": kind == "like",
        "dislikes": kind == "dislike",
        "impressions": kind == "impression",
        "listening_ms": np.where(ended, np.minimum(heard, LONGEST_MS), 0),
    }
    acted = np.isin(kind, ACTIONS)
    at = pa.array(events.column("occurred_at").to_numpy(), mask=~acted)
    kept = events.select(["row", *KEYS]).append_column("acted_at", at)
    for name in COUNTS:
        kept = kept.append_column(name, pa.array(columns[name].astype(np.int64)))
    return kept
