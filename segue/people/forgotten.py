"""Listeners who have left and had everything removed: kept as a hash, so that nothing writes of them again.

The streams still hold something of such a listener (windows in state, plays in Kafka), which would otherwise
come back with the next late event, or when a stream reads the topic anew. A hash is removed when Kafka has
dropped the listener's last play (`retention.plays`), since nothing can bring them back after that.

Delivery: one document by the hash of the id, so that forgetting twice is the same as once.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection as Several
from datetime import UTC, datetime, timedelta
from typing import NotRequired, TypedDict

from segue.storage.store import Collection, Index, Job, Policy, Right

MARGIN = timedelta(days=2)
"""Kafka drops whole segments, a while after their last record is due."""
PREFIX = "forgotten:"
"""Before the id in the text that is hashed with SHA-256."""
_IN_FLIGHT = timedelta(minutes=2)
"""A micro-batch that began before the listener was forgotten has ended after this."""


class ForgottenListener(TypedDict):
    _id: str
    """The hash."""
    until: datetime
    """When MongoDB removes the note: no play of the listener is left in Kafka."""
    user_id: NotRequired[str]
    """Until the listener's last traces are swept up."""
    sweep_at: NotRequired[datetime]
    """When traces of plays in flight are removed."""


class Forgotten(Collection[ForgottenListener]):
    """The hashes of those who have left. Removing all that is a listener's leaves them."""

    name = "forgotten"
    policy = Policy(
        access={
            Job.STREAM: Right.WRITE,
            Job.DASHBOARD: Right.WRITE | Right.INDEX,
            Job.OPERATOR: Right.WRITE | Right.INDEX,
        }
    )
    indexes = (Index.on("until", keep=timedelta()),)

    def remember(self, user_id: str, *, plays_kept: timedelta) -> None:
        """Note that nothing may be written of a listener from now on.

        The id itself stays for some minutes, for :meth:`due`; then there is only its hash.

        Parameters
        ----------
        plays_kept
            How long Kafka keeps plays: so long the streams must leave out those of this listener.
        """
        self.prepare()
        now = datetime.now(UTC)
        fields = {"until": now + plays_kept + MARGIN, "user_id": user_id, "sweep_at": now + _IN_FLIGHT}
        self.documents.update_one({"_id": _hash(user_id)}, {"$set": fields}, upsert=True)

    def among(self, users: Several[str]) -> set[str]:
        """Those of the listeners who are forgotten."""
        if not users or self.documents.find_one({}, {"_id": 1}) is None:
            return set()
        by_hash = {_hash(user): user for user in users}
        documents = self.documents.find({"_id": {"$in": list(by_hash)}}, {"_id": 1})
        return {by_hash[document["_id"]] for document in documents}

    def hashes(self) -> list[str]:
        """Of all that are forgotten; a batch job compares SHA-256 of :data:`PREFIX` and an id with them."""
        return sorted(document["_id"] for document in self.documents.find({}, {"_id": 1}))

    def due(self, now: datetime) -> list[str]:
        """The ids of listeners whose last traces can be swept up, since no micro-batch of theirs runs."""
        documents = self.documents.find({"sweep_at": {"$lte": now}})
        return [user_id for document in documents if (user_id := document.get("user_id"))]

    def swept(self, user_id: str) -> None:
        """Keep the hash alone."""
        self.documents.update_one({"_id": _hash(user_id)}, {"$unset": {"user_id": "", "sweep_at": ""}})


def _hash(user_id: str) -> str:
    return hashlib.sha256(f"{PREFIX}{user_id}".encode()).hexdigest()
