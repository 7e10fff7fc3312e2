"""The documents of one listener in any collection, by what the collection's owner declares as personal."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from segue.storage.mongo import Document
from segue.storage.store import Personal, Store


def of_listener(store: Store, name: str, personal: Personal, user_id: str) -> list[Document]:
    """A listener's documents in a collection, without secrets."""
    if not personal.owner:
        return []
    documents = store.database[name].find(_own(personal, user_id))
    return [_without(document, personal.secret) for document in documents]


def erase(store: Store, name: str, personal: Personal, user_id: str, *, account_name: str | None) -> int:
    """Remove a listener's documents from a collection, and the listener from the lists of others'.

    Parameters
    ----------
    account_name
        The name of the listener's account; None for a listener without one.

    Returns
    -------
    How many documents were removed.
    """
    documents = store.database[name]
    removed = documents.delete_many(_own(personal, user_id)).deleted_count if personal.owner else 0
    for member in personal.members:
        documents.update_many({member: user_id}, {"$pull": {member: user_id}})
    if personal.traces and (traces := personal.traces(user_id, account_name)):
        removed += documents.delete_many(traces).deleted_count
    return removed


def named_in(document: Mapping[str, Any], personal: Personal) -> set[str]:
    """The listeners to whom a document belongs."""
    return _texts(document.get(owner) for owner in personal.owner)


def listed_in(document: Mapping[str, Any], personal: Personal) -> set[str]:
    """The listeners whom another's document names in a list."""
    return _texts(user for member in personal.members for user in document.get(member) or ())


def unlisted(document: Document, personal: Personal, users: set[str]) -> Document:
    """A document without these listeners in its lists."""
    lists = {
        member: [user for user in document[member] if user not in users]
        for member in personal.members
        if isinstance(document.get(member), list)
    }
    return document | lists


def _own(personal: Personal, user_id: str) -> Document:
    return {"$or": [{owner: user_id} for owner in personal.owner]}


def _without(document: Document, fields: tuple[str, ...]) -> Document:
    return {key: value for key, value in document.items() if key not in fields}


def _texts(values: Iterable[object]) -> set[str]:
    return {value for value in values if isinstance(value, str)}
