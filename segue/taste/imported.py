"""The part of listeners' histories that comes from imported and delayed plays.

The stream makes it from `imported_days`, and keeps it apart from the signals of the topic: an import can be
undone, and the signals of a window are replaced as a whole.

Delivery: one document for each listener, which is computed anew and replaced.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypedDict

from segue.storage.mongo import DeleteOne, ReplaceOne
from segue.storage.store import Collection, Job, Personal, Policy, Right
from segue.taste.history import History, StoredWindows, from_document, to_document


class ImportedTaste(TypedDict):
    """A document of `imported_tastes`."""

    _id: str
    """The listener's id."""
    windows: StoredWindows
    """Window start (epoch ms, as text) -> the signals in it, by track."""


class ImportedTastes(Collection[ImportedTaste]):
    """The histories of listeners' imported plays."""

    name = "imported_tastes"
    policy = Policy(
        personal=Personal(),
        access={Job.STREAM: Right.WRITE, Job.DASHBOARD: Right.ERASE, Job.OPERATOR: Right.WRITE},
    )

    def of(self, user_ids: Sequence[str]) -> dict[str, History]:
        """The histories of those listeners who have one."""
        found = self.documents.find({"_id": {"$in": list(user_ids)}})
        return {own["_id"]: from_document(own["windows"]) for own in found}

    def write(self, histories: Mapping[str, History]) -> None:
        """Replace histories; an empty one is removed."""
        changes: list[ReplaceOne[Any] | DeleteOne] = [
            ReplaceOne({"_id": user_id}, {"windows": to_document(history)}, upsert=True)
            if history
            else DeleteOne({"_id": user_id})
            for user_id, history in histories.items()
        ]
        if changes:
            self.documents.bulk_write(changes, ordered=False)
