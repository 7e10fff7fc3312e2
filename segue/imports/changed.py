"""Listeners whose imported or delayed plays have changed, until the stream has made their tastes anew.

Delivery: one document for each listener. A change during the work keeps the document. A change is noted
before it begins, so that it is taken up even if its process dies.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import NotRequired, TypedDict

from segue.storage.mongo import Document, DuplicateKeyError, UpdateOne
from segue.storage.store import Collection, Index, Job, Personal, Policy, Right

_LATEST = timedelta(minutes=2)
"""When a change that has begun is taken up at the latest."""


class ChangedImport(TypedDict):
    """A document of `changed_imports`."""

    _id: str
    """The listener's id."""
    change: str
    """A random text for the last change."""
    after: NotRequired[datetime]
    """When to take up a change that has begun and has not ended; absent once it has ended."""


class ChangedImports(Collection[ChangedImport]):
    """The listeners whose tastes lack changes of imported plays."""

    name = "changed_imports"
    policy = Policy(
        personal=Personal(),
        access={
            Job.STREAM: Right.WRITE | Right.INDEX,
            Job.DASHBOARD: Right.WRITE,
            Job.CATALOGUE: Right.WRITE,
            Job.OPERATOR: Right.WRITE,
        },
    )
    indexes = (Index.on("after"),)

    def begin(self, user_id: str) -> None:
        """Note that plays of a listener are about to change; :meth:`note` follows when they have changed.

        If it does not follow within two minutes, the listener is waiting: the process may have died.
        """
        change = secrets.token_hex(8)
        # An earlier change, whose process has died, does not wait for a later one.
        begun = {"$set": {"change": change}, "$min": {"after": datetime.now(UTC) + _LATEST}}
        own: Document = {"_id": user_id, "after": {"$exists": True}}
        try:
            self.documents.update_one(own, begun, upsert=True)
        except DuplicateKeyError:  # the listener is waiting already, and must not wait longer
            self.documents.update_one({"_id": user_id}, {"$set": {"change": change}})

    def note(self, user_ids: Iterable[str]) -> None:
        """Note that plays of these listeners have changed."""
        updates = [
            UpdateOne(
                {"_id": user_id},
                {"$set": {"change": secrets.token_hex(8)}, "$unset": {"after": ""}},
                upsert=True,
            )
            for user_id in dict.fromkeys(user_ids)
        ]
        if updates:
            self.documents.bulk_write(updates, ordered=False)

    def waiting(self, *, limit: int) -> dict[str, str]:
        """Listeners, each with its last change, without those whose change goes on."""
        due: Document = {"$or": [{"after": None}, {"after": {"$lte": datetime.now(UTC)}}]}
        return {own["_id"]: own["change"] for own in self.documents.find(due).limit(limit)}

    def done(self, changes: dict[str, str]) -> None:
        """Remove listeners whose last change is still the one given."""
        for user_id, change in changes.items():
            self.documents.delete_one({"_id": user_id, "change": change})
