"""Listeners who have left: whether an id is among them, and which ids a write names.

The collection has hashes only (:mod:`segue.people.forgotten`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection as Several
from collections.abc import Iterable, Mapping
from typing import Any

from pymongo import InsertOne, ReadPreference, ReplaceOne, UpdateMany, UpdateOne
from pymongo.database import Database

NAME = "forgotten"
PREFIX = "forgotten:"
"""The prefix of the id in the text that is hashed with SHA-256."""


def hash_of(user_id: str) -> str:
    """The id of a listener's note in the collection."""
    return hashlib.sha256(f"{PREFIX}{user_id}".encode(errors="surrogatepass")).hexdigest()


def gone(database: Database[Any], user_ids: Several[str]) -> set[str]:
    """The listeners among these who have left."""
    if not user_ids:
        return set()
    by_hash = {hash_of(user_id): user_id for user_id in user_ids}
    # A secondary may not have the note yet.
    notes = database.get_collection(NAME, read_preference=ReadPreference.PRIMARY)
    return {by_hash[note["_id"]] for note in notes.find({"_id": {"$in": list(by_hash)}}, {"_id": 1})}


def named_by(part: Any, fields: Several[str]) -> set[str]:
    """The texts that a part of a write gives to certain fields.

    Parameters
    ----------
    part
        A document, a filter, a change, an operation of a bulk, or a list of these. A filter has its value
        directly or in operators, a change in operators such as `$set`; a field within a field is not one of
        the document's.
    fields
        Names of the document's fields.
    """
    match part:
        case InsertOne():
            return named_by(part._doc, fields)
        case UpdateOne() | UpdateMany() | ReplaceOne():
            return named_by((part._filter, part._doc), fields)
        case Mapping():
            own = (_texts(value) for name, value in part.items() if name in fields)
            deeper = (named_by(value, fields) for name, value in part.items() if str(name).startswith("$"))
            return set[str]().union(*own, *deeper)
        case list() | tuple():
            return set[str]().union(*(named_by(each, fields) for each in part))
    return set()


def _texts(value: Any) -> Iterable[str]:
    """A text, the texts of a list, and those in operators such as `$in` and `$each`."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for name, each in value.items():
            if str(name).startswith("$"):
                yield from _texts(each)
    elif isinstance(value, list | tuple | set | frozenset):
        for each in value:
            yield from _texts(each)
