"""The statistics: sums over all listeners' facts of a window, by every dimension. They name no listeners.

Delivery: the statistics of a window are computed from its facts (:mod:`segue.engagement.listening`) and
replace the former ones.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple, TypedDict

from segue.engagement.definitions import COUNTS
from segue.storage.mongo import Document, amount
from segue.storage.records import Count, RecordShape, record_shape
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


_SHAPE = record_shape(Statistics).with_optional(dict.fromkeys(COUNTS, Count))


class TrackTotals(NamedTuple):
    """A track's sums over some windows."""

    track_id: str
    plays: int
    skips: int
    early_skips: int
    likes: int
    listeners: int
    """The sum over the windows."""


class ListeningStatistics(Collection[Statistics]):
    """Sums over all listeners; they are kept after the facts have expired."""

    name = "listening_stats"
    policy = Policy(
        access={
            Job.STREAM: Right.WRITE | Right.INDEX,
            Job.DASHBOARD: Right.READ,
            Job.OPERATOR: Right.WRITE | Right.INDEX,
        }
    )
    indexes = (Index.on("dimension", "start"), Index.on("dimension", "key", "start"))

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
        sums = {name: {"$sum": amount(f"${name}")} for name in TrackTotals._fields[1:]}
        span = {"$gte": since} if until is None else {"$gte": since, "$lt": until}
        summed = self.aggregate(
            [
                {"$match": {"dimension": "track", "start": span, "key": {"$type": "string"}}},
                {"$group": {"_id": "$key", **sums}},
                {"$sort": {"_id": 1}},
            ]
        )
        return [TrackTotals(row["_id"], *(row[name] for name in sums)) for row in summed]

    def remove(self, key: object) -> None:
        """Remove the statistics of a window and key by their `_id`."""
        self._plain.delete_one({"_id": key})

    def remove_all_but(self, starts: Sequence[datetime], *, since: datetime) -> None:
        """Remove the statistics of windows from `since` on that are not among these."""
        self.documents.delete_many({"start": {"$gte": since, "$nin": list(starts)}})
