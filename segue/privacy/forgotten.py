"""Listeners who have left and had everything removed: kept as a hash, so that nothing writes of them again.

What the streams hold of such a listener (windows in state, plays still in Kafka) would otherwise come back
with the next late event, or when a stream reads the topic anew. A hash leaves when Kafka has dropped the
listener's last play (`retention.plays`), since nothing can bring them back after that.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection
from datetime import UTC, datetime, timedelta

from pymongo.database import Database

from segue.storage.mongo import Document

MARGIN = timedelta(days=2)
"""Kafka drops whole segments, a while after their last record is due."""
WRITTEN_BY_STREAMS = ("tastes", "recommendations", "listening", "listening_sessions")
PREFIX = "forgotten:"
"""Before the id in what is hashed with SHA-256."""
_IN_FLIGHT = timedelta(minutes=2)
"""A micro-batch that began before the listener was forgotten has ended after this."""


def remember(database: Database[Document], user_id: str, *, plays_kept: timedelta) -> None:
    """Note that nothing may be written of a listener from now on.

    The id itself stays for some minutes, for :func:`sweep`; then there is only its hash.
    """
    database.forgotten.create_index("until", expireAfterSeconds=0)
    now = datetime.now(UTC)
    fields = {"until": now + plays_kept + MARGIN, "user_id": user_id, "sweep_at": now + _IN_FLIGHT}
    database.forgotten.update_one({"_id": _hash(user_id)}, {"$set": fields}, upsert=True)


def among(database: Database[Document], users: Collection[str]) -> set[str]:
    """Those of the listeners who are forgotten."""
    if not users or database.forgotten.find_one({}, {"_id": 1}) is None:
        return set()
    hashes = {_hash(user): user for user in users}
    found = database.forgotten.find({"_id": {"$in": list(hashes)}}, {"_id": 1})
    return {hashes[one["_id"]] for one in found}


def hashes(database: Database[Document]) -> list[str]:
    """Of all that are forgotten; a batch job compares SHA-256 of :data:`PREFIX` and an id with them."""
    return sorted(one["_id"] for one in database.forgotten.find({}, {"_id": 1}))


def sweep(database: Database[Document], *, now: datetime | None = None) -> None:
    """Remove what a micro-batch wrote that was under way when a listener was forgotten."""
    due = {"sweep_at": {"$lte": now or datetime.now(UTC)}}
    for one in list(database.forgotten.find(due)):
        user_id = one["user_id"]
        for name in WRITTEN_BY_STREAMS:
            database[name].delete_many({"$or": [{"_id": user_id}, {"user_id": user_id}]})
        database.forgotten.update_one({"_id": one["_id"]}, {"$unset": {"user_id": "", "sweep_at": ""}})


def _hash(user_id: str) -> str:
    return hashlib.sha256(f"{PREFIX}{user_id}".encode()).hexdigest()
