"""All that is stored of one listener, by what the owners of the collections declare as personal.

Statistics have no listener in them.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from segue.collections import collections
from segue.storage.mongo import Document
from segue.storage.store import Collection, Store


def personal_collections(store: Store) -> list[Collection[Any]]:
    """The collections that may hold something of a listener, by name."""
    return [collection for collection in collections(store) if collection.policy.personal]


def held(store: Store, user_id: str) -> Iterator[tuple[str, list[Document]]]:
    """(collection, documents) of all that is stored of a listener, without secrets."""
    for collection in personal_collections(store):
        if documents := collection.held_by(user_id):
            yield collection.name, documents


def plain(value: Any) -> Any:
    """A stored value as JSON has it: times as ISO 8601, bytes as hexadecimal text."""
    if isinstance(value, dict):
        return {str(key): plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [plain(each) for each in value]
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, bytes):
        return value.hex()
    return value if isinstance(value, str | int | float | bool) or value is None else str(value)
