"""Listeners whose imported or delayed plays have changed, until the stream has made their tastes anew.

Delivery: one document for each listener. A change during the work keeps the document.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from typing import TypedDict

from segue.storage.mongo import UpdateOne
from segue.storage.store import Collection, Job, Personal, Policy, Right


class ChangedImport(TypedDict):
    """A document of `changed_imports`."""

    _id: str
    """The listener's id."""
    change: str
    """A random text for the last change."""


class ChangedImports(Collection[ChangedImport]):
    """The listeners whose tastes lack changes of imported plays."""

    name = "changed_imports"
    policy = Policy(
        personal=Personal(),
        access={
            Job.STREAM: Right.WRITE,
            Job.DASHBOARD: Right.WRITE,
            Job.CATALOGUE: Right.WRITE,
            Job.OPERATOR: Right.WRITE,
        },
    )

    def note(self, user_ids: Iterable[str]) -> None:
        """Note that plays of these listeners have changed."""
        updates = [
            UpdateOne({"_id": user_id}, {"$set": {"change": secrets.token_hex(8)}}, upsert=True)
            for user_id in dict.fromkeys(user_ids)
        ]
        if updates:
            self.documents.bulk_write(updates, ordered=False)

    def waiting(self, *, limit: int) -> dict[str, str]:
        """Listeners, each with its last change."""
        return {own["_id"]: own["change"] for own in self.documents.find({}).limit(limit)}

    def done(self, changes: dict[str, str]) -> None:
        """Remove listeners whose last change is still the one given."""
        for user_id, change in changes.items():
            self.documents.delete_one({"_id": user_id, "change": change})
