"""The listeners whom a document names, according to its collection's `Personal` declaration."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from segue.storage.mongo import Document
from segue.storage.store import Personal


def named_in(document: Mapping[str, Any], personal: Personal) -> set[str]:
    """The listeners to whom a document belongs."""
    values = (document.get(owner) for owner in personal.owner)
    return _texts(name for value in values for name in (value if isinstance(value, list) else [value]))


def listed_in(document: Mapping[str, Any], personal: Personal) -> set[str]:
    """The listeners whom another listener's document names in a list."""
    return _texts(user for member in personal.members for user in _list(document.get(member)))


def unlisted(document: Document, personal: Personal, users: set[str]) -> Document:
    """The document with these listeners removed from its lists."""
    lists = {
        member: [user for user in document[member] if user not in users]
        for member in personal.members
        if isinstance(document.get(member), list)
    }
    return document | lists


def _list(value: object) -> list[object]:
    return value if isinstance(value, list) else []


def _texts(values: Iterable[object]) -> set[str]:
    return {value for value in values if isinstance(value, str)}
