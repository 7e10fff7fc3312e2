"""All that is stored of one listener, by what the owners of the collections declare as personal.

Statistics have no listener in them.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from segue.collections import personal
from segue.storage.mongo import Document
from segue.storage.personal import of_listener
from segue.storage.store import Personal, Store


def personal_collections(store: Store) -> Iterator[tuple[str, Personal]]:
    """The collections that are there and may hold something of a listener, by name."""
    for name in store.collection_names():
        if (own := personal(name)) is not None:
            yield name, own


def held(store: Store, user_id: str) -> Iterator[tuple[str, list[Document]]]:
    """(collection, documents) of all that MongoDB has of a listener, without secrets."""
    for name, own in personal_collections(store):
        if documents := of_listener(store, name, own, user_id):
            yield name, documents


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
