"""A document for each window with statistics: how often it was counted, and whether its day has it.

Statistics of a window change when a late play arrives, or in a recount. Both may happen in other processes.
Readers that keep sums (:mod:`segue.engagement.running_totals`, :mod:`segue.engagement.daily`) compare the
number of changes with the one they have seen, and read only the windows that differ.

Delivery: a window is marked before and after its statistics are written. A reader between the two marks reads
the window again after the second. If the writer crashes between them, the mark `changing` stays, and readers
read the window each time until it has been counted again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import NamedTuple, NotRequired, TypedDict

from segue.storage.mongo import BulkWriteError, Document, UpdateOne
from segue.storage.store import Collection, Index, Job, Policy, Right

DAY = timedelta(days=1)


class CountedWindow(TypedDict):
    """The state of one window's statistics."""

    _id: datetime
    """The start of the window."""
    day: datetime
    """The start of its day in UTC."""
    changes: int
    """Grows with every change of the window's statistics."""
    counted_at: datetime
    """When they last changed."""
    changing: NotRequired[bool]
    """Whether a change has begun and not ended."""
    due: NotRequired[bool]
    """Whether the day's statistics lack the last change."""
    remembered: NotRequired[bool]
    """Whether the memories of listeners have the last change."""
    removed: NotRequired[bool]
    """Whether the window's statistics have been removed after `retention.statistics`."""


class WindowChanges(NamedTuple):
    """A window and the number of its changes."""

    start: datetime
    changes: int
    changing: bool


class CountedWindows(Collection[CountedWindow]):
    """The number of changes of each window with statistics."""

    name = "listening_windows"
    policy = Policy(
        access={
            Job.STREAM: Right.WRITE | Right.INDEX,
            Job.DASHBOARD: Right.READ,
            Job.OPERATOR: Right.WRITE | Right.INDEX,
        }
    )
    indexes = (Index.on("due", "day"), Index.on("remembered", "day"))

    def keep(self, time: timedelta) -> None:
        """Let MongoDB remove the marks of days longer ago than `time`."""
        self.make(Index.on("day", keep=time))

    def begin(self, starts: Sequence[datetime]) -> None:
        """Mark windows whose statistics are about to change."""
        self._mark(
            starts,
            {
                "$set": {"changing": True, "due": True},
                "$unset": {"removed": "", "remembered": ""},
                "$currentDate": {"counted_at": True},
            },
        )

    def end(self, starts: Sequence[datetime]) -> None:
        """Mark windows whose statistics have changed."""
        self._mark(
            starts,
            {
                "$set": {"due": True},
                "$unset": {"changing": "", "removed": "", "remembered": ""},
                "$currentDate": {"counted_at": True},
            },
        )

    def _mark(self, starts: Sequence[datetime], change: Mapping[str, Mapping[str, object]]) -> None:
        marks = [
            UpdateOne(
                {"_id": start},
                {"$inc": {"changes": 1}, "$setOnInsert": {"day": day_of(start)}, **change},
                upsert=True,
            )
            for start in starts
        ]
        if not marks:
            return
        try:
            self.documents.bulk_write(marks, ordered=False)
        except BulkWriteError:
            # Nothing can be added to a damaged number: these marks begin again.
            # MongoDB finds a list by the types of its elements.
            wrong = [{"changes": {"$not": {"$type": "number"}}}, {"changes": {"$type": "array"}}]
            self.documents.delete_many({"_id": {"$in": list(starts)}, "$or": wrong})
            self.documents.bulk_write(marks, ordered=False)

    def adopt(self, starts: Sequence[datetime]) -> int:
        """Mark windows that were counted by a release without these marks; returns their number."""
        known = set(self.documents.distinct("_id", {"_id": {"$gte": min(starts)}})) if starts else set()
        new = [start for start in starts if start not in known]
        marks = [
            UpdateOne(
                {"_id": start},
                # They were counted at about that time.
                {"$setOnInsert": {"day": day_of(start), "changes": 1, "due": True, "counted_at": start}},
                upsert=True,
            )
            for start in new
        ]
        if marks:
            self.documents.bulk_write(marks, ordered=False)
        return len(new)

    def changes(self, *, since: datetime) -> list[WindowChanges]:
        """The windows from `since` on, oldest first."""
        found = self.documents.find({"_id": {"$gte": since}}, {"changes": 1, "changing": 1}).sort("_id", 1)
        return [WindowChanges(one["_id"], one["changes"], one.get("changing", False)) for one in found]

    def due_days(self, *, since: datetime, until: datetime) -> set[datetime]:
        """The days that begin in [since, until) and whose statistics lack a change of a window."""
        return self._days({"due": True, "day": {"$gte": since, "$lt": until}})

    def settled_days(self, *, before: datetime | None) -> list[datetime]:
        """The days that are due, newest first; with `before`, only those that did not change after it."""
        days = self._days({"due": True})
        busy: set[datetime] = set()
        if before is not None:
            busy = self._days({"due": True, "counted_at": {"$gte": before}})
        return sorted((day for day in days if day not in busy), reverse=True)

    def _days(self, wanted: Document) -> set[datetime]:
        """The days of the windows that a filter finds, without values that are not dates."""
        return {day for day in self.distinct("day", wanted) if isinstance(day, datetime)}

    def due_windows(self, day: datetime) -> list[WindowChanges]:
        """The windows of a day that its statistics lack."""
        found = self.documents.find({"due": True, "day": day}, {"changes": 1})
        return [WindowChanges(one["_id"], one["changes"], changing=False) for one in found]

    def rolled(self, windows: Iterable[WindowChanges]) -> None:
        """Mark that the day's statistics have these windows, unless they have changed since."""
        self._unless_changed(windows, {"$unset": {"due": ""}})

    def _unless_changed(self, windows: Iterable[WindowChanges], change: Document) -> None:
        marks = [UpdateOne({"_id": window.start, "changes": window.changes}, change) for window in windows]
        if marks:
            self.documents.bulk_write(marks, ordered=False)

    def days_to_remember(self, *, before: datetime | None) -> list[datetime]:
        """The days with windows that memories lack; with `before`, only those unchanged since then."""
        days = self._days({"remembered": None})
        busy: set[datetime] = set()
        if before is not None:
            busy = self._days({"remembered": None, "counted_at": {"$gte": before}})
        return sorted(day for day in days if day not in busy)

    def windows_to_remember(self, days: Sequence[datetime]) -> list[WindowChanges]:
        """The windows of days that memories lack."""
        found = self.documents.find({"remembered": None, "day": {"$in": list(days)}}, {"changes": 1})
        return [WindowChanges(one["_id"], one["changes"], changing=False) for one in found]

    def remembered(self, windows: Iterable[WindowChanges]) -> None:
        """Mark that memories have these windows, unless they have changed since."""
        self._unless_changed(windows, {"$set": {"remembered": True}})

    def was_removed(self, day: datetime) -> bool:
        """Whether statistics of the day's windows have been removed."""
        return self.documents.find_one({"day": day, "removed": True}, {"_id": 1}) is not None

    def removable_day(self, *, before: datetime) -> datetime | None:
        """The oldest day that is complete, was last counted before then, and still has its windows."""
        old = {"day": {"$lt": before - DAY}, "removed": {"$exists": False}}
        days = self._days(old)
        busy = {
            *self._days({**old, "counted_at": {"$gte": before}}),
            *self._days({"due": True, "day": {"$lt": before}}),
        }
        return min((day for day in days if day not in busy), default=None)

    def mark_removed(self, day: datetime) -> None:
        """Mark that the statistics of the day's windows have been removed."""
        self.documents.update_many({"day": day}, {"$set": {"removed": True}})


def day_of(moment: datetime) -> datetime:
    """The start of the day in UTC."""
    return moment.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
