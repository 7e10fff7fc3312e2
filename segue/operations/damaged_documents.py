"""The documents that were set aside: for the operator, and for the stream, which rebuilds some of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection as Names
from datetime import UTC, datetime
from typing import Any

from segue.storage.damaged import NAME, DamagedDocument
from segue.storage.mongo import DESCENDING, Document
from segue.storage.store import Collection, Index, Job, Personal, Policy, Right

REBUILT = frozenset({"tastes", "recommendations", "listening", "listening_sessions", "listening_stats"})
"""The collections whose documents the stream rebuilds from the plays in the topic."""


class DamagedDocuments(Collection[DamagedDocument]):
    """Copies of the damaged documents that were set aside.

    Every process of Segue adds to them (:mod:`segue.storage.damaged`).
    """

    name = NAME
    policy = Policy(
        personal=Personal(owner=("listeners",), secret=("_id", "document_id")),
        access=dict.fromkeys(Job, Right.WRITE)
        | dict.fromkeys((Job.STREAM, Job.OPERATOR), Right.WRITE | Right.INDEX),
    )
    indexes = (
        Index.on("rebuilt_at", "collection"),
        Index.on("collection", "at"),
        Index.on("at"),
        Index.on("listeners"),
    )

    def newest(self, *, collection: str | None = None, limit: int) -> list[DamagedDocument]:
        """The entries, those that were read last first."""
        wanted: Document = {} if collection is None else {"collection": collection}
        return list(self.documents.find(wanted).sort("at", DESCENDING).limit(limit))

    def counts(self) -> Counter[str]:
        """The number of entries by collection, without those that have been rebuilt."""
        steps: list[Document] = [
            {"$match": {"rebuilt_at": {"$exists": False}}},
            {"$group": {"_id": "$collection", "count": {"$sum": 1}}},
        ]
        return Counter({str(group["_id"]): int(group["count"]) for group in self.aggregate(steps)})

    def to_rebuild(self, *, limit: int) -> list[DamagedDocument]:
        """Some entries of :data:`REBUILT` that have not been rebuilt."""
        open_still = {"rebuilt_at": {"$exists": False}, "lost_at": {"$exists": False}}
        wanted = {"collection": {"$in": sorted(REBUILT)}, **open_still}
        return list(self.documents.find(wanted, {"document": 0}).limit(limit))

    def mark_rebuilt(self, keys: Names[str]) -> None:
        """Note that the documents of these entries have been rebuilt."""
        now = datetime.now(UTC)
        self.documents.update_many({"_id": {"$in": list(keys)}}, {"$set": {"rebuilt_at": now}})

    def mark_lost(self, keys: Names[str]) -> None:
        """Note that the topic no longer has the plays to rebuild the documents of these entries."""
        now = datetime.now(UTC)
        self.documents.update_many({"_id": {"$in": list(keys)}}, {"$set": {"lost_at": now}})

    def remove(self, keys: Names[str]) -> int:
        """Remove entries; returns their number."""
        return self.documents.delete_many({"_id": {"$in": list(keys)}}).deleted_count

    def _set_aside(self, document_id: Any, reason: str, used: bool) -> None:
        """Leave a damaged entry where it is: it is a copy itself."""
