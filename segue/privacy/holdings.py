"""All that is stored of one listener: found, given out, and removed.

What is personal is told by its place: any document of any collection that has the listener's id as its `_id`
or in one of :data:`FIELDS`, but for those that segue.privacy.collections calls nobody's. Statistics have
no listener in them and stay; what Kafka has goes by `retention.plays`.

Delivery: removing is a series of deletions by the listener's id; cut short, it is made good by doing it
again. The id is forgotten first (segue.privacy.forgotten), so that no stream writes anew what is removed.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from pymongo.database import Database

from segue.plays.sent_plays import SentPlays
from segue.privacy import forgotten
from segue.privacy.collections import NOT_PERSONAL
from segue.storage.mongo import Document
from segue.storage.store import Store

FIELDS = ("user_id", "owner", "follower", "followed")
"""Fields that name the listener to whom a document belongs."""
MEMBERS = ("collaborators", "asked", "members")
"""Lists in others' documents that may name the listener."""
SECRETS: dict[str, tuple[str, ...]] = {
    "accounts": ("password",),
    "sessions": ("_id",),
    "share_links": ("_id",),
}
"""What is kept as a hash; it says nothing to the listener and must not leave the server."""


def collections(database: Database[Document]) -> list[str]:
    """The collections that may hold something of a listener."""
    return sorted(
        name
        for name in database.list_collection_names()
        if name not in NOT_PERSONAL and not name.startswith("system.")
    )


def of(user_id: str) -> Document:
    """The filter that finds a listener's documents in any collection."""
    return {"$or": [{"_id": user_id}, *({field: user_id} for field in FIELDS)]}


def held(database: Database[Document], user_id: str) -> Iterator[tuple[str, list[Document]]]:
    """(collection, documents) of all that MongoDB has of a listener, without secrets."""
    for name in collections(database):
        documents = list(database[name].find(of(user_id)))
        if documents:
            hidden = SECRETS.get(name, ())
            yield name, [{k: v for k, v in one.items() if k not in hidden} for one in documents]


def forget(database: Database[Document], user_id: str, *, plays_kept: timedelta) -> dict[str, int]:
    """Remove a listener from MongoDB; returns how many documents of each collection went.

    Parameters
    ----------
    plays_kept
        How long Kafka keeps plays: so long the streams must leave out those of this listener.
    """
    forgotten.remember(database, user_id, plays_kept=plays_kept)
    account = database.accounts.find_one({"user_id": user_id}, {"_id": 1})
    removed: dict[str, int] = {}
    # Sessions first: from then on the listener's browsers can send nothing more.
    for name in sorted(collections(database), key=lambda one: one != "sessions"):
        count = database[name].delete_many(of(user_id)).deleted_count
        for field in MEMBERS:
            database[name].update_many({field: user_id}, {"$pull": {field: user_id}})
        if count:
            removed[name] = count
    if sent := SentPlays(Store(database)).forget(user_id):
        removed["sent_plays"] = sent
    if account is not None:
        database.login_failures.delete_many({"_id": f"name:{account['_id'][:64]}"})
    return removed


def plain(value: Any) -> Any:
    """A stored value as JSON has it: times as ISO 8601, bytes as hexadecimal text."""
    if isinstance(value, dict):
        return {str(key): plain(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [plain(one) for one in value]
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, bytes):
        return value.hex()
    return value if isinstance(value, str | int | float | bool) or value is None else str(value)
