"""The progress of the streaming queries by the minute, kept for longer than that of micro-batches.

MongoDB adds up the counts, so that a minute with a restart in it is one document. A repeated micro-batch
counts again, since it takes its time again.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Required, TypedDict

import numpy as np

from segue.operations.stream_progress import MicroBatch, until_newest
from segue.storage.mongo import ASCENDING, DESCENDING, BulkWriteError, UpdateOne
from segue.storage.records import Count
from segue.storage.store import Collection, Index, Job, Policy, Right

_SAMPLES = 10_000
"""Freshness is computed from at most this number of listeners a minute."""
RECOMMEND, REJECTED = "recommend", "rejected plays"
"""The queries whose minutes have `freshness_ms` and `rejected`."""


class StreamMinute(TypedDict, total=False):
    """The micro-batches of a query that began in a minute; a minute without one has only some fields."""

    _id: Required[Any]
    """The query and the minute, joined by a colon."""
    query: Required[str]
    """The name of the query."""
    at: Required[datetime]
    """The start of the minute."""
    batches: Count
    """The number of micro-batches."""
    input_rows: Count
    """Records read."""
    late_rows: Count
    """Records behind the watermark."""
    phases_ms: dict[str, Count]
    """Milliseconds by phase, summed, with Spark's names of the phases."""
    slowest_ms: Count
    """Milliseconds of the longest micro-batch."""
    backlog: Count
    """The largest number of records in Kafka that the query had not read."""
    state_rows: Count
    """Rows in the state after the last micro-batch."""
    state_bytes: Count
    """Memory of the state after the last micro-batch."""
    watermark: datetime | None
    """The watermark after the last micro-batch."""
    freshness_ms: dict[str, float]
    """Milliseconds from a play to the stored recommendations: `p50` and `p99`; only of `recommend`."""
    rejected: dict[str, Count]
    """Rejected records by reason; only of `rejected plays`."""


class StreamMinutes(Collection[StreamMinute]):
    """The progress of the streaming queries, by minute."""

    name = "stream_minutes"
    policy = Policy(
        computed=True,
        access={Job.STREAM: Right.WRITE | Right.INDEX, Job.DASHBOARD: Right.READ},
    )
    indexes = (Index(keys=[("query", ASCENDING), ("at", DESCENDING)]),)

    def keep(self, time: timedelta) -> None:
        """Let MongoDB remove documents that are older than `time`."""
        self.make(Index.on("at", keep=time))

    def add(self, changes: Sequence[UpdateOne]) -> None:
        """Apply changes of :class:`Minutes`."""
        if not changes:
            return
        try:
            self.documents.bulk_write(list(changes), ordered=False)
        except BulkWriteError as error:
            # A number cannot be added to a damaged field: the minute begins again.
            failed = [fault["op"] for fault in error.details["writeErrors"]]
            ids = [operation["q"]["_id"] for operation in failed]
            for document in self._plain.find({"_id": {"$in": ids}}):
                self.documents.checked(document)
            self.documents.delete_many({"_id": {"$in": ids}})
            again = [UpdateOne(operation["q"], operation["u"], upsert=True) for operation in failed]
            self.documents.bulk_write(again, ordered=False)

    def recent(self, *, seconds: float) -> list[StreamMinute]:
        """The minutes of the last `seconds` before the newest one, oldest first."""
        newest = self.documents.find_one({"at": {"$type": "date"}}, {"at": 1}, sort=[("at", DESCENDING)])
        return list(self.documents.find(until_newest(newest, seconds)).sort("at", ASCENDING))


class Minutes:
    """Sums up micro-batches into one update per query and minute."""

    def __init__(self) -> None:
        self._fresh: list[float] = []
        self._minute: datetime | None = None

    def updates(
        self,
        batches: Sequence[MicroBatch],
        fresh: Sequence[float],
        reasons: Mapping[str, int],
        *,
        now: datetime,
    ) -> list[UpdateOne]:
        """The updates since the last call.

        Parameters
        ----------
        batches
            Oldest first.
        fresh
            Milliseconds from play to document, one value per written listener.
        reasons
            Rejected records by reason.
        """
        grouped: dict[tuple[str, datetime], list[MicroBatch]] = defaultdict(list)
        for batch in batches:
            grouped[batch["query"], _minute(batch["at"])].append(batch)
        changes = [_update(query, minute, _sums(group)) for (query, minute), group in grouped.items()]
        minute = _minute(now)
        if minute != self._minute:
            self._fresh, self._minute = [], minute
        if fresh:
            self._fresh = [*self._fresh, *fresh][-_SAMPLES:]
            p50, p99 = np.percentile(self._fresh, (50, 99)).tolist()
            changes.append(_update(RECOMMEND, minute, {"$set": {"freshness_ms": {"p50": p50, "p99": p99}}}))
        if reasons:
            counts = {f"rejected.{reason}": count for reason, count in reasons.items()}
            changes.append(_update(REJECTED, minute, {"$inc": counts}))
        return changes


def _sums(group: Sequence[MicroBatch]) -> dict[str, Any]:
    last = group[-1]
    phases = sorted({phase for batch in group for phase in batch["duration_ms"]})
    return {
        "$inc": {
            "batches": len(group),
            "input_rows": sum(batch["input_rows"] for batch in group),
            "late_rows": sum(batch["late_rows"] for batch in group),
            **{f"phases_ms.{p}": sum(batch["duration_ms"].get(p, 0) for batch in group) for p in phases},
        },
        "$max": {
            "slowest_ms": max(batch["duration_ms"].get("triggerExecution", 0) for batch in group),
            "backlog": max(batch["backlog"] for batch in group),
        },
        "$set": {
            "state_rows": last["state_rows"],
            "state_bytes": last["state_bytes"],
            "watermark": last["watermark"],
        },
    }


def _update(query: str, minute: datetime, change: dict[str, Any]) -> UpdateOne:
    first = {"query": query, "at": minute}
    return UpdateOne(
        {"_id": f"{query}:{minute:%Y-%m-%dT%H:%M}"}, {**change, "$setOnInsert": first}, upsert=True
    )


def _minute(at: datetime) -> datetime:
    return at.replace(second=0, microsecond=0)
