"""Computes facts, the counts of a listener's events in a window; statistics are sums over facts."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any, TypedDict

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

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
from segue.engagement.rules import Array
from segue.plays.added_fields import unfolded
from segue.plays.event import EVENT_WINDOW, KEPT
from segue.storage.records import Count, EpochMs
from segue.storage.shapes import shown

KEYS = ("track_id", "source", "model", "rank", *KEPT)
"""The fields of an event that identify a row of a fact."""
Row = dict[str, Any]
"""`track_id`, `artist`, `genre`, `source`, `variant`, `rank`, the fields of `KEPT`, and the counts.

A row of events in excess has `excess`, and one of an unknown track has `unknown`; both are true. Statistics
leave these rows out.
"""


class CountedRow:
    """Checks a row of a stored fact: its names are texts, its counts whole numbers, as far as it has them."""

    of_parts = True

    def fault(self, value: Mapping[str, Any]) -> str | None:
        for name in _NAMES:
            if not isinstance(value.get(name, ""), str):
                return f"has {shown(value[name])} as its {name}"
        for name in ("rank", "propensity", *COUNTS):
            count = value.get(name)
            # Rows of earlier releases lack counts; a row without a recommendation has no rank or propensity.
            if count is None and (name == "rank" or name not in value):
                continue
            if isinstance(count, bool) or not isinstance(count, int) or not 0 <= count <= 2**53:
                return f"has {shown(count)} as its {name}"
        return None


_NAMES = ("track_id", "artist", "genre", "source", "variant")


class StoredFact(TypedDict):
    """The stored form of a fact, in `listening`."""

    _id: str
    """"<start, epoch ms>:<user_id>"."""
    user_id: str
    """The listener."""
    start: datetime
    """The start of the window."""
    rows: list[Annotated[Row, CountedRow()]]
    """One row per track, source, variant and rank, with artist, genre and the counts."""
    events: Count
    """The number of distinct events."""
    first_at: EpochMs | None
    """Epoch ms of the first action; missing if there are impressions only."""
    last_at: EpochMs | None
    """Epoch ms of the last action."""
    definitions: str
    """The fingerprint of the definitions at the time of counting."""


@dataclass(frozen=True)
class Fact:
    """The counts of one listener in one window."""

    user_id: str
    start: int
    """Epoch ms."""
    rows: list[Row]
    """The counts of :data:`COUNTS`, ordered by track, source, variant and rank."""
    events: int
    """The number of distinct events: of two facts of a window, the one with more events is newer."""
    first_at: int | None
    last_at: int | None
    """Epoch ms of the first and the last action; None if there are impressions only."""
    deliveries: int = 0
    """The number of deliveries from which it was counted, repeated ones included; it is not stored."""

    @property
    def id(self) -> str:
        return f"{self.start}:{self.user_id}"

    def timed(self) -> dict[str, Any]:
        """The rows with the start of the window as a date, as stored facts have it."""
        return {"start": datetime.fromtimestamp(self.start / 1000, UTC), "rows": self.rows}

    def document(self, *, definitions: str) -> StoredFact:
        """The stored form of the fact."""
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
"""Track ids -> artist and genre of each; empty texts for missing fields."""


def facts_of(table: pa.Table, *, described: Described, thresholds: Thresholds = DEFAULT) -> list[Fact]:
    """Count each row's events.

    Parameters
    ----------
    table
        EventWindow rows: `user_id`, `window_start`, `events` (list of struct of
        :data:`segue.plays.event.EVENT_WINDOW`). Order within a row does not matter.

    Returns
    -------
    A fact for each row, in the order of the rows.
    """
    if not table.num_rows:
        return []
    table = table.combine_chunks()
    events, deliveries = _distinct(table), pc.list_value_length(table.column("events")).to_pylist()
    counted = _counted(events, table.column("window_start").to_numpy(), thresholds)
    by = ["row", *KEYS, "excess"]
    sums = counted.group_by(by).aggregate([(name, "sum") for name in COUNTS])
    known = described(set(sums.column("track_id").to_pylist()))
    rows: list[list[Row]] = [[] for _ in range(table.num_rows)]
    for total in sums.to_pylist():
        counts = {name: total[f"{name}_sum"] for name in COUNTS}
        rows[total["row"]].append(row_of(total, known.get(total["track_id"]), counts))
    spans = counted.group_by("row").aggregate([("acted_at", "min"), ("acted_at", "max"), ("row", "count")])
    span_of = {total["row"]: total for total in spans.to_pylist()}
    return [
        Fact(
            user_id=user,
            start=start,
            rows=in_order(rows[i]),
            events=span_of[i]["row_count"],
            first_at=span_of[i]["acted_at_min"],
            last_at=span_of[i]["acted_at_max"],
            deliveries=deliveries[i],
        )
        for i, (user, start) in enumerate(
            zip(table.column("user_id").to_pylist(), table.column("window_start").to_pylist(), strict=True)
        )
    ]


def row_of(keys: Mapping[str, Any], description: tuple[str, str] | None, counts: Mapping[str, int]) -> Row:
    """A row of a fact: the values of :data:`KEYS`, the track's artist and genre, and the counts.

    A kept field that is null is left out, so that plays without it have the same rows as before it was added.

    Parameters
    ----------
    keys
        The values of :data:`KEYS`, and whether the events are in `excess`.
    description
        Artist and genre; None for an unknown track.
    """
    artist, genre = description or ("", "")
    row: Row = {"track_id": keys["track_id"], "artist": artist, "genre": genre, "source": keys["source"]}
    row["variant"], row["rank"] = keys["model"] or "", keys["rank"]
    for name in KEPT:
        if keys[name] is not None:
            row[name] = keys[name]
    if keys["excess"]:
        row["excess"] = True
    if description is None:
        row["unknown"] = True
    row.update(counts)
    return row


def in_order(rows: Iterable[Row]) -> list[Row]:
    """A fact's rows by track, source, variant and rank, so that the same fact is the same document."""

    def place(row: Row) -> tuple[Any, ...]:
        kept = (str(row.get(name, "")) for name in KEPT)
        own = (row["track_id"], row["source"], row["variant"], row["rank"] or -1, *kept)
        return (*own, "excess" in row)

    return sorted(rows, key=place)


def _distinct(table: pa.Table) -> pa.Table:
    """The events of all rows with their row number; of events with the same id in a row, the earliest."""
    lists = table.column("events").combine_chunks()
    if isinstance(lists, pa.ChunkedArray):
        lists = lists.chunk(0)
    flat = unfolded(pc.list_flatten(lists))
    columns = {name: flat.field(name) for name in EVENT_WINDOW.fields}
    events = pa.table({"row": pc.list_parent_indices(lists), **columns})
    ids = pc.dictionary_encode(columns["event_id"]).indices.to_numpy(zero_copy_only=False)
    row = events.column("row").to_numpy()
    order = np.lexsort((events.column("occurred_at").to_numpy(), ids, row))
    again = np.r_[False, (np.diff(row[order]) == 0) & (np.diff(ids[order]) == 0)]
    return events.take(pa.array(order[~again[: len(order)]]))


def _counted(events: pa.Table, starts: Array, thresholds: Thresholds) -> pa.Table:
    """A column for each count (0, 1 or milliseconds); `acted_at`, null without an action; `excess`.

    Parameters
    ----------
    starts
        The start of each row's window, epoch ms.
    """
    row, occurred = events.column("row").to_numpy(), events.column("occurred_at").to_numpy()
    columns: dict[str, Array] = {
        "type": np.asarray(events.column("type").to_pylist(), dtype=object),
        **{name: events.column(name).to_numpy() for name in ("ms_played", "duration_ms")},
        IN_WINDOW.name: occurred - starts[row],
    }
    at = pa.array(occurred, mask=~ACTED.on(columns))
    excess = _taken(row, occurred, takes(thresholds).on(columns)) > columns[IN_WINDOW.name] + ALLOWANCE_MS
    kept = events.select(["row", *KEYS]).append_column("acted_at", at)
    kept = kept.append_column("excess", pa.array(excess))
    for name, count in counts_by(thresholds).items():
        kept = kept.append_column(name, pa.array(count.rule.on(columns).astype(np.int64)))
    return kept


def _taken(row: Array, occurred: Array, each: Array) -> Array:
    """(n,) int64: the time that the events of a row take up to each one, with those at its time.

    Parameters
    ----------
    each
        (n,) int64: the time that each takes.
    """
    order = np.lexsort((occurred, row))
    row, occurred, summed = row[order], occurred[order], np.cumsum(each[order])
    first = np.searchsorted(row, row)
    before = np.where(first > 0, summed[first - 1], 0)
    ends = np.r_[(np.diff(row) != 0) | (np.diff(occurred) != 0), np.ones(min(1, len(row)), dtype=bool)]
    last = np.flatnonzero(ends)[np.cumsum(ends) - ends]
    taken = np.empty_like(summed)
    taken[order] = summed[last] - before
    return taken
