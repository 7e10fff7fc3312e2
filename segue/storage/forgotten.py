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


def remember(database: Database[Document], user_id: str, *, plays_kept: timedelta) -> None:
    """Note that nothing may be written of a listener from now on."""
    database.forgotten.create_index("until", expireAfterSeconds=0)
    until = datetime.now(UTC) + plays_kept + MARGIN
    database.forgotten.update_one({"_id": _hash(user_id)}, {"$set": {"until": until}}, upsert=True)


def among(database: Database[Document], users: Collection[str]) -> set[str]:
    """Those of the listeners who are forgotten."""
    if not users or database.forgotten.find_one({}, {"_id": 1}) is None:
        return set()
    hashes = {_hash(user): user for user in users}
    found = database.forgotten.find({"_id": {"$in": list(hashes)}}, {"_id": 1})
    return {hashes[one["_id"]] for one in found}


def _hash(user_id: str) -> str:
    return hashlib.sha256(f"forgotten:{user_id}".encode()).hexdigest()
