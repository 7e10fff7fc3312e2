"""The statistics: sums over all listeners' facts of a window, by every dimension. They name no listeners.

They are kept for `retention.statistics`; those by day (:mod:`segue.engagement.daily_statistics`) stay longer.

Delivery: the statistics of a window are computed from its facts (:mod:`segue.engagement.listening`) and
replace the former ones.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple, TypedDict

from segue.engagement.definitions import COUNTS, DIMENSIONS
from segue.storage.mongo import Document, amount
from segue.storage.record_shapes import record_shape, with_optional
from segue.storage.records import Count
from segue.storage.shapes import RecordShape
from segue.storage.store import Collection, Index, Job, Policy, Right


class StatisticsKey(TypedDict):
    """The key of statistics."""

    dimension: str
    """One of :data:`segue.engagement.definitions.DIMENSIONS`."""
    start: datetime
    """The start of the window."""
    key: str
    """The value of the dimension: a track's id, an artist, ...; may be empty."""


class Statistics(StatisticsKey):
    """The sums for one key of one window: `listeners`, and those counts of
    :data:`segue.engagement.definitions.COUNTS` that existed at the time of counting."""

    _id: StatisticsKey
    """Dimension, window and key together."""
    listeners: Count
    """Number of listeners in the window."""


_SHAPE = with_optional(record_shape(Statistics), dict.fromkeys(COUNTS, Count))


class TrackTotals(NamedTuple):
    """A track's sums over some windows."""

    track_id: str
    plays: int
    skips: int
    early_skips: int
    likes: int
    listeners: int
    """The sum over the windows."""


A_TEXT: Document = {"$type": "string", "$not": {"$type": "array"}}
"""The filter of a key that is a text: MongoDB finds a list by the types of its elements."""
Span = Mapping[str, Any]
"""The windows or days to sum: a condition on `start`."""


POLICY = Policy(
    access={
        Job.STREAM: Right.WRITE | Right.INDEX,
        Job.DASHBOARD: Right.READ,
        Job.OPERATOR: Right.WRITE | Right.INDEX,
    }
)
INDEXES = (Index.on("dimension", "start"), Index.on("dimension", "key", "start"))


def summing(dimension: str, starts: Span, names: Iterable[str], keys: Sequence[str] = ()) -> list[Document]:
    """Pipeline steps that sum counts over windows or days by key, which is the `_id` of the results.

    By default they sum for all keys.
    """
    wanted = {"$in": list(keys)} if keys else A_TEXT
    return [
        {"$match": {"dimension": dimension, "start": starts, "key": wanted}},
        {"$group": {"_id": "$key", **{name: {"$sum": amount(f"${name}")} for name in names}}},
    ]


class ListeningStatistics(Collection[Statistics]):
    """The statistics: sums of the facts of all listeners, by window."""

    name = "listening_stats"
    policy = POLICY
    indexes = INDEXES

    def shape_of(self, document: Mapping[str, Any]) -> RecordShape:
        return _SHAPE

    def between(
        self, dimension: str, *, since: datetime, until: datetime, keys: Sequence[str] = ()
    ) -> Iterator[Mapping[str, Any]]:
        """`_id`, `start`, `key`, `listeners` and counts of the windows that begin in [since, until), for all
        keys or only for `keys`."""
        wanted: Document = {"dimension": dimension, "start": {"$gte": since, "$lt": until}}
        if keys:
            wanted["key"] = {"$in": list(keys)}
        return iter(self.documents.find(wanted, {"dimension": 0}))

    def keys(self, dimension: str) -> list[str]:
        """All non-empty keys of a dimension, in order."""
        return [key for key in self.texts("key", {"dimension": dimension}) if key]

    def of_tracks(self, *, since: datetime, until: datetime | None = None) -> list[TrackTotals]:
        """The sums of each track over the windows that begin in [since, until), by track id."""
        span = {"$gte": since} if until is None else {"$gte": since, "$lt": until}
        summed = self.aggregate(summing("track", span, TrackTotals._fields[1:]))
        totals = [TrackTotals(row["_id"], *(row[name] for name in TrackTotals._fields[1:])) for row in summed]
        return sorted(totals)

    def remove_document(self, key: object) -> None:
        """Remove the statistics of a window and key by their `_id`."""
        self._plain.delete_one({"_id": key})

    def tracks_in(self, start: datetime) -> list[TrackTotals]:
        """The counts of each track in one window."""
        names = TrackTotals._fields[1:]
        fields = {"key": 1, **dict.fromkeys(names, 1)}
        found = self.documents.find({"dimension": "track", "start": start, "key": A_TEXT}, fields)
        counts: list[Mapping[str, Any]] = list(found)
        return [TrackTotals(one["key"], *(one.get(name, 0) for name in names)) for one in counts]

    def starts(self, *, since: datetime | None = None) -> list[datetime]:
        """The windows with statistics, from `since` on."""
        span = {"$type": "date"} if since is None else {"$gte": since}
        starts = self.distinct("start", {"dimension": "all", "start": span})
        return [start for start in starts if isinstance(start, datetime)]

    def sums(
        self, dimension: str, *, since: datetime, until: datetime, keys: Sequence[str] = ()
    ) -> Iterator[Document]:
        """`listeners` and counts summed over the windows in [since, until), with the key in `_id`.

        For all keys, or only for `keys`.
        """
        span = {"$gte": since, "$lt": until}
        return self.aggregate(summing(dimension, span, (*COUNTS, "listeners"), keys))

    def keys_in(self, start: datetime) -> set[tuple[str, str]]:
        """(dimension, key) of all statistics of a window."""
        found = self.documents.find(_of_windows([start]), {"dimension": 1, "key": 1})
        return {(one["dimension"], one["key"]) for one in found}

    def remove_keys(self, start: datetime, keys: Iterable[tuple[str, str]]) -> None:
        """Remove the statistics of a window with these (dimension, key)."""
        by_dimension = defaultdict(list)
        for dimension, key in keys:
            by_dimension[dimension].append(key)
        for dimension, several in by_dimension.items():
            self.documents.delete_many({"dimension": dimension, "start": start, "key": {"$in": several}})

    def remove(self, starts: Sequence[datetime]) -> None:
        """Remove the statistics of windows."""
        self.documents.delete_many(_of_windows(starts))

    def remove_between(self, *, since: datetime, until: datetime) -> None:
        """Remove the statistics of the windows that begin in [since, until)."""
        self.documents.delete_many(
            {"dimension": {"$in": list(DIMENSIONS)}, "start": {"$gte": since, "$lt": until}}
        )

    def sum_up(self, *, since: datetime, until: datetime, into: str, rolled_at: datetime) -> None:
        """Let MongoDB sum the windows that begin in [since, until) into documents of the collection `into`.

        They have the start `since` and the time `rolled_at`, and replace those with the same id.
        """
        for dimension in DIMENSIONS:
            list(
                self.aggregate(
                    [
                        *summing(dimension, {"$gte": since, "$lt": until}, (*COUNTS, "listeners")),
                        {
                            "$set": {
                                "_id": {"dimension": dimension, "start": since, "key": "$_id"},
                                "dimension": dimension,
                                "start": since,
                                "key": "$_id",
                                "rolled_at": rolled_at,
                            }
                        },
                        {"$merge": {"into": into, "whenMatched": "replace", "whenNotMatched": "insert"}},
                    ]
                )
            )


def _of_windows(starts: Sequence[datetime]) -> Document:
    # An index begins with the dimension.
    return {"dimension": {"$in": list(DIMENSIONS)}, "start": {"$in": list(starts)}}
