"""Sets damaged documents aside: a copy in the collection `damaged_documents`, and one line in the log.

The original stays where it is until its owner writes it again: it may belong to a newer release, and the name
of an account that vanished could be taken by somebody else.

Delivery: one entry per document, under its collection and id; setting it aside again replaces the entry.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, NotRequired, TypedDict

import bson
from bson.errors import BSONError
from pymongo.database import Database
from pymongo.errors import PyMongoError

from segue.storage.gone import gone

NAME = "damaged_documents"
_LARGEST = 15_000_000
"""Bytes of a document that fits into an entry: MongoDB's limit is 16 MB."""
_AGAIN_SECONDS = 600.0
_REMEMBERED = 10_000
_MOST_REPORTS = 1000
"""Copies and log lines of a collection within some minutes: a mass of damage must not fill disk and log."""
log = logging.getLogger(__name__)


class DamagedDocument(TypedDict):
    """A copy of a document that does not have the form of its collection's record."""

    _id: str
    """"<collection>:<id>"."""
    collection: str
    """The collection in which it was found."""
    document_id: Any
    """Its id there."""
    reason: str
    """The fields that do not fit."""
    used: bool
    """Whether the rest of the document is used. Otherwise, the document counts as missing."""
    listeners: list[str]
    """The listeners whom it names."""
    document: dict[str, Any] | None
    """The document without secrets; missing if it is too large for a copy."""
    at: datetime
    """When it was last read."""
    rebuilt_at: NotRequired[datetime]
    """When the stream had rebuilt it from the plays."""
    lost_at: NotRequired[datetime]
    """When the stream found that the topic no longer has the plays to rebuild it."""


class _Recent:
    """The faults that this process has reported within the last minutes."""

    def __init__(self) -> None:
        self._seen: OrderedDict[tuple[str, ...], float] = OrderedDict()
        self._reports: dict[str, tuple[float, int]] = {}
        self._lock = threading.Lock()

    def is_new(self, *fault: str) -> bool:
        now = time.monotonic()
        with self._lock:
            last = self._seen.pop(fault, None)
            self._seen[fault] = now if last is None or now - last > _AGAIN_SECONDS else last
            while len(self._seen) > _REMEMBERED:
                self._seen.popitem(last=False)
            return self._seen[fault] == now

    def count(self, collection: str) -> int:
        """Count a report about a collection; returns their number within the last minutes."""
        now = time.monotonic()
        with self._lock:
            began, number = self._reports.get(collection, (now, 0))
            if now - began > _AGAIN_SECONDS:
                began, number = now, 0
            self._reports[collection] = began, number + 1
            return number + 1


_RECENT = _Recent()


def key_of(collection: str, document_id: Any) -> str:
    """The id of a document's entry."""
    return f"{collection}:{document_id}"[:900]


def keep(
    database: Database[Any],
    collection: str,
    document_id: Any,
    reason: str,
    *,
    used: bool,
    personal: Sequence[str] = (),
    secret: Sequence[str] = (),
) -> None:
    """Set a document aside; a fault that was reported a few minutes ago is not reported again.

    It raises no error: if MongoDB does not accept the copy, the log has the reason.

    Parameters
    ----------
    used
        Whether the reader uses the rest of the document.
    personal
        Fields that may name listeners.
    secret
        Fields that the copy lacks.
    """
    key = key_of(collection, document_id)
    if not _RECENT.is_new(database.name, key, reason):
        return
    reports = _RECENT.count(f"{database.name}.{collection}")
    if reports > _MOST_REPORTS:
        if reports == _MOST_REPORTS + 1:
            log.error("more documents of %s are damaged: ./run.sh documents check counts them", collection)
        return
    rest = "the rest of it is used" if used else "it counts as missing"
    log.error("the document %s of %s is damaged, %s: %s", document_id, collection, rest, reason)
    try:
        document = database[collection].find_one({"_id": document_id})
        if document is None:
            return
        named = {text for name in personal for text in _texts(document.get(name))}
        entry: Mapping[str, Any] = {
            "collection": collection,
            "document_id": document_id,
            "reason": reason,
            "used": used,
            "listeners": sorted(named),
            "document": _copy({name: value for name, value in document.items() if name not in secret}),
            "at": datetime.now(UTC),
        }
        database[NAME].replace_one({"_id": key}, entry, upsert=True)
        if gone(database, named):  # as by Collection.refuse_gone
            database[NAME].delete_one({"_id": key})
    except (PyMongoError, BSONError, OverflowError) as error:
        log.warning("the document %s of %s could not be set aside: %s", document_id, collection, error)


def _texts(value: Any) -> list[str]:
    values = value if isinstance(value, list) else [value]
    return [text for text in values if isinstance(text, str)]


def _copy(document: dict[str, Any]) -> dict[str, Any] | None:
    return document if len(bson.encode(document)) <= _LARGEST else None
