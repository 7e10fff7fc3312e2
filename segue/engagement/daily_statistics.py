"""The statistics by day: the sums of a day's windows, by every dimension. They name no listeners.

:mod:`segue.engagement.daily` computes them from the statistics of the windows, and reads them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from segue.engagement.definitions import COUNTS, DIMENSIONS
from segue.engagement.statistics import INDEXES, POLICY, Statistics, summing
from segue.storage.mongo import Document
from segue.storage.store import Collection, Index


class DayStatistics(Statistics):
    """The sums for one key of one day in UTC, whose start is `start`.

    `listeners` is the sum over the windows: a listener counts once in each.
    """

    rolled_at: datetime
    """When they were computed."""


class DailyStatistics(Collection[DayStatistics]):
    """Sums over all listeners by day."""

    name = "listening_days"
    policy = POLICY
    indexes = INDEXES

    def keep(self, time: timedelta) -> None:
        """Let MongoDB remove the statistics of days longer ago than `time`."""
        self.make(Index.on("start", keep=time))

    def days(self, *, since: datetime, until: datetime) -> set[datetime]:
        """The days that begin in [since, until) and have statistics."""
        # Every row of a fact counts in the dimension "all".
        return set(
            self.documents.distinct("start", {"dimension": "all", "start": {"$gte": since, "$lt": until}})
        )

    def remove_older(self, day: datetime, *, rolled_at: datetime) -> None:
        """Remove the statistics of a day that were computed before then: their keys are gone."""
        self.documents.delete_many(
            {"dimension": {"$in": list(DIMENSIONS)}, "start": day, "rolled_at": {"$lt": rolled_at}}
        )

    def on(
        self, days: Sequence[datetime], dimension: str, keys: Sequence[str]
    ) -> Iterator[Mapping[str, Any]]:
        """`start`, `key`, `listeners` and counts of days, for all keys or only for `keys`."""
        wanted: Document = {"dimension": dimension, "start": {"$in": list(days)}}
        if keys:
            wanted["key"] = {"$in": list(keys)}
        return iter(self.documents.find(wanted, {"_id": 0, "dimension": 0, "rolled_at": 0}))

    def sums(self, dimension: str, days: Sequence[datetime], keys: Sequence[str] = ()) -> Iterator[Document]:
        """`listeners` and counts summed over these days, with the key in `_id`: all keys, or only `keys`."""
        return self.aggregate(summing(dimension, {"$in": list(days)}, (*COUNTS, "listeners"), keys))
