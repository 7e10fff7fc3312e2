"""The progress of the streaming queries by micro-batch, and the start of the stream.

Delivery: one document per query and batch, so that a batch repeated after a crash is one document.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, TypedDict, cast

from segue.storage.mongo import ASCENDING, DESCENDING, Document, ReplaceOne, amount
from segue.storage.record_shapes import record_shape
from segue.storage.records import Count
from segue.storage.shapes import RecordShape
from segue.storage.store import Collection, Index, Job, Policy, Right

_STREAM = "stream"
MOST = 5000
"""The number of micro-batches that :meth:`StreamProgress.recent` returns at most."""


class MicroBatch(TypedDict):
    """One micro-batch of a query."""

    _id: str
    """The query and the number of the batch, joined by a colon."""
    query: str
    """The name of the query."""
    batch: Count
    """The number of the batch in the checkpoint of the query."""
    at: datetime
    """The start of the batch."""
    input_rows: Count
    """Records read."""
    input_rate: float
    """Records per second of input."""
    processed_rate: float
    """Records per second of processing."""
    duration_ms: dict[str, Count]
    """Milliseconds by phase, with Spark's names of the phases."""
    state_rows: Count
    """Rows in the state."""
    state_bytes: Count
    """Memory of the state."""
    late_rows: Count
    """Records behind the watermark."""
    watermark: datetime | None
    """The event time behind which windows leave the state; None for a query without a state."""
    backlog: Count
    """Records in Kafka that the query had not read."""


class Started(TypedDict, total=False):
    """The last start of the stream and the address of its Spark UI; empty before the first start."""

    started_at: datetime
    """The time of the start."""
    ui: str
    """The address of Spark's web page."""
    starts: int
    """The number of starts."""


class StreamProgress(Collection[Document]):
    """A document for each query and micro-batch, and one for the start of the stream (`_id` is `stream`)."""

    shapes = (MicroBatch, Started)
    name = "stream_progress"
    policy = Policy(
        computed=True,
        access={
            Job.STREAM: Right.WRITE | Right.INDEX,
            Job.DASHBOARD: Right.READ,
            Job.OPERATOR: Right.READ,
        },
    )
    indexes = (Index(keys=[("query", ASCENDING), ("at", DESCENDING)]),)

    def shape_of(self, document: Mapping[str, Any]) -> RecordShape:
        return record_shape(Started if document.get("_id") == _STREAM else MicroBatch)

    def keep(self, time: timedelta) -> None:
        """Let MongoDB remove documents that are older than `time`."""
        self.make(Index.on("at", keep=time))

    def write(self, batches: Sequence[MicroBatch]) -> None:
        """Store micro-batches."""
        if batches:
            operations = [
                ReplaceOne({"_id": batch["_id"]}, cast("Document", batch), upsert=True) for batch in batches
            ]
            self.documents.bulk_write(operations, ordered=False)

    def start(self, *, ui: str) -> None:
        """Store the current time as the start of the stream."""
        change = {"$set": {"started_at": datetime.now(UTC), "ui": ui}}
        self.documents.update_one({"_id": _STREAM}, change, upsert=True)

    def count_start(self) -> int:
        """Count a start of the stream; returns the number of starts since the first."""
        # A damaged number begins again: $inc would end the stream at each start.
        counted = [{"$set": {"starts": {"$add": [amount("$starts"), 1]}}}]
        stored = self.documents.find_one_and_update(
            {"_id": _STREAM}, counted, upsert=True, return_document=True
        )
        return int((stored or {})["starts"])

    def started(self) -> Started:
        """The last start of the stream."""
        stored = self.documents.find_one({"_id": _STREAM}) or {}
        return cast("Started", {name: value for name, value in stored.items() if name != "_id"})

    def recent(self, *, seconds: float) -> list[MicroBatch]:
        """The micro-batches of the last `seconds` before the newest one, oldest first: the newest `MOST`."""
        documents = (
            self.documents.find(until_newest(self.newest(), seconds)).sort("at", DESCENDING).limit(MOST)
        )
        return cast("list[MicroBatch]", list(documents)[::-1])

    def batches(
        self, query: str | None = None, *, since: datetime | None = None, after: int | None = None
    ) -> list[MicroBatch]:
        """The micro-batches with records, of one query or of all, that began at `since` or later and have a
        number greater than `after`."""
        began = {"$exists": True} if since is None else {"$gte": since}
        wanted: dict[str, Any] = {"input_rows": {"$gt": 0}, "at": began}
        if query is not None:
            wanted["query"] = query
        if after is not None:
            wanted["batch"] = {"$gt": after}
        return cast("list[MicroBatch]", list(self.documents.find(wanted)))

    def newest(self, query: str | None = None) -> MicroBatch | None:
        """The newest micro-batch, of one query or of all."""
        wanted: dict[str, Any] = {"at": {"$type": "date"}} | ({} if query is None else {"query": query})
        return cast("MicroBatch | None", self.documents.find_one(wanted, sort=[("at", DESCENDING)]))


def until_newest(newest: Mapping[str, Any] | None, seconds: float) -> Document:
    """The filter of documents that are at most `seconds` older than the newest one."""
    last = newest.get("at") if newest else None  # a damaged time is left out
    since = last - timedelta(seconds=seconds) if last else datetime.now(UTC)
    return {"at": {"$gte": since}}
