"""Finds a listener's stored data by the `Personal` declarations of the collections' owners.

Statistics do not name listeners.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from segue.collections import collections
from segue.storage.mongo import Document
from segue.storage.store import Collection, Store


def personal_collections(store: Store) -> list[Collection[Any]]:
    """The collections that may have documents of a listener, ordered by name."""
    return [collection for collection in collections(store) if collection.policy.personal]


def held(store: Store, user_id: str) -> Iterator[tuple[str, list[Document]]]:
    """(collection, documents) of all of a listener's stored data, without secrets."""
    for collection in personal_collections(store):
        if documents := collection.held_by(user_id):
            yield collection.name, documents


def plain(value: Any) -> Any:
    """A stored value in JSON's types: times as ISO 8601, bytes as hexadecimal text."""
    if isinstance(value, dict):
        return {str(key): plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [plain(each) for each in value]
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, bytes):
        return value.hex()
    return value if isinstance(value, str | int | float | bool) or value is None else str(value)
