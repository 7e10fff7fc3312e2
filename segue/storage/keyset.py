"""Pages of long lists: each page begins after the last document of the page before it, wherever that is.

MongoDB starts at that document in the index of the order, so that the last page costs as much as the first.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any, TypeVar

from pymongo.collation import Collation
from pymongo.errors import OperationFailure

from segue.storage.documents import Documents
from segue.storage.mongo import Document

RecordT = TypeVar("RecordT", bound=Mapping[str, Any])
_T = TypeVar("_T")
ALPHABETICAL = "en"
"""The language of :attr:`Order.alphabet` for texts of any language: not their case or accents."""


_NO_INDEX = 2
"""The server's error code for a hint that names no index, among other bad values."""


class Page(list[_T]):
    """The entries of a page; :attr:`more` tells whether others follow."""

    def __init__(self, items: Iterable[_T] = (), *, more: bool = False) -> None:
        super().__init__(items)
        self.more = more


@dataclass(frozen=True)
class Order:
    """An order of a list, with an index of the same keys; the last key is `_id`, so that no two are equal."""

    keys: Sequence[tuple[str, int]]
    alphabet: str | None = None
    """The language whose alphabet sorts texts; None sorts them by code point."""


@dataclass(frozen=True)
class Place:
    """The end of the pages that are shown already."""

    last: str | None
    """The id of the last document, if it is known."""
    shown: int
    """The number of documents, which are counted again where the last one is not known or has gone."""


def page_of(
    documents: Documents[RecordT],
    wanted: Document,
    *,
    order: Order,
    limit: int,
    after: Place | None = None,
    backwards: bool = False,
    fields: Mapping[str, Any] | None = None,
) -> Page[RecordT]:
    """At most `limit` documents in an order.

    Parameters
    ----------
    after
        The page before; None for the first page.
    backwards
        Whether the order is reversed.
    """
    keys = list(order.keys)

    def found(bounds: Mapping[str, Any]) -> Page[RecordT]:
        cursor = documents.find(wanted, fields, batch_size=limit + 2, **bounds)
        cursor = cursor.sort([(key, -way) for key, way in keys] if backwards else keys)
        if order.alphabet:
            cursor = cursor.collation(Collation(locale=order.alphabet, strength=1))
        with cursor:
            items = list(islice(cursor, limit))
            return Page(items, more=next(cursor, None) is not None)

    if after is None:
        return found({})
    plain = documents.database[documents.name]  # a damaged value has its place in the index, too
    last = after.last and plain.find_one({"_id": after.last}, [key for key, _ in keys])
    if last:
        bound = {key: _value(last, key) for key, _ in keys}
        try:
            # The lower bound is part of the range, the upper bound is not.
            return found(
                {"hint": keys, "max": bound} if backwards else {"hint": keys, "min": bound, "skip": 1}
            )
        except OperationFailure as error:
            if error.code != _NO_INDEX:  # it is still being created
                raise
    return found({"skip": after.shown})


def _value(document: Mapping[str, Any], field: str) -> Any:
    value: Any = document
    for name in field.split("."):
        value = value.get(name) if isinstance(value, Mapping) else None
    return value


def in_order(documents: Iterable[RecordT], order: Order, *, backwards: bool = False) -> list[RecordT]:
    """Some documents that were read already, in an order: missing values first, texts whatever their case."""
    found = list(documents)
    for key, way in reversed(order.keys):
        found.sort(key=lambda document: _rank(_value(document, key)), reverse=(way < 0) is not backwards)
    return found


def _rank(value: Any) -> tuple[str, Any]:
    """A damaged value is compared with values of its own type only."""
    if isinstance(value, datetime):
        return "time", value.timestamp()
    if isinstance(value, int | float):
        return "number", value
    return ("text", value.casefold()) if isinstance(value, str) else ("", 0)
