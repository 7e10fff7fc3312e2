"""The MongoDB client: connecting, retrying during an outage, and helpers for collection owners."""

from __future__ import annotations

import logging
import re
import ssl
from collections.abc import Collection as Several
from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from typing import Any

import numpy as np
from bson.errors import BSONError
from pymongo import (
    ASCENDING,
    DESCENDING,
    DeleteOne,
    MongoClient,
    ReplaceOne,
    UpdateMany,
    UpdateOne,
)
from pymongo.collection import Collection
from pymongo.database import Database
from pymongo.errors import (
    BulkWriteError,
    ConnectionFailure,
    DuplicateKeyError,
    OperationFailure,
    PyMongoError,
    ServerSelectionTimeoutError,
)
from tenacity import Retrying, before_sleep_log, retry_if_exception, stop_after_delay, wait_exponential

from segue.errors import SegueError, described_by
from segue.settings import MongoSettings, milliseconds
from segue.storage.access_again import GRANT_AGAIN

__all__ = [
    "ASCENDING",
    "DESCENDING",
    "BulkWriteError",
    "DeleteOne",
    "DuplicateKeyError",
    "OperationFailure",
    "PyMongoError",
    "ReplaceOne",
    "UpdateOne",
]
Document = dict[str, Any]
log = logging.getLogger(__name__)
_CONNECT_MS, _HEARTBEAT_MS = 5000, 5000
READABLE = "models"
"""A collection that every job may read; :func:`connect` reads it to check the user."""


class DoesNotAnswer(SegueError):
    """No suitable server answered in time; the message has the remedy."""


Unreachable = (ConnectionFailure, DoesNotAnswer)
"""The errors of a read during an outage: unreachable, connection lost, or no primary."""
_IDLE = timedelta(seconds=30)
"""An idle connection is closed after this time: a rush of visitors would leave a hundred open for ever."""
_UNAUTHORIZED = 13
_DUPLICATE = 11000
"""The server's error code for an _id that exists already."""
_CHANGES_PRIMARY = {91, 189, 10107, 11600, 11602, 13435, 13436}
"""The server's error codes for: not (or no longer) the primary, and shutting down."""


def is_away(error: BaseException) -> bool:
    """Whether an operation may succeed after an outage: for :data:`Unreachable`, or a lost majority.

    A primary that loses its majority applies a write, waits for the secondaries, and steps down. That is a
    write concern error, which pymongo does not count among the connection errors.
    """
    if isinstance(error, Unreachable):
        return True
    if not isinstance(error, OperationFailure):
        return False
    details = error.details or {}
    parts = [*details.get("writeErrors", []), *details.get("writeConcernErrors", [])]
    return bool(_CHANGES_PRIMARY & {error.code, *(part.get("code") for part in parts)})


def _words(error: Exception) -> str:
    """The line of an error in the middle of a command."""
    if is_away(error):
        return (
            f"MongoDB does not answer any more ({type(error).__name__}): see that the server of mongo.uri "
            "runs (./run.sh status), and try again"
        )
    details = getattr(error, "details", None) or {}
    faults = [part.get("errmsg") for part in details.get("writeErrors", [])]
    why = str(next(iter(faults), None) or details.get("errmsg") or error).splitlines()[0]
    if getattr(error, "code", None) == _UNAUTHORIZED:
        return f"MongoDB refuses an operation: {why[:_LONGEST_REASON]}; {GRANT_AGAIN}"
    return f"MongoDB refuses an operation ({type(error).__name__}): {why[:_LONGEST_REASON]}"


_LONGEST_REASON = 300
described_by(PyMongoError, _words)
described_by(BSONError, _words)


def patient(outage: timedelta) -> Retrying:
    """Retries a function during an outage of MongoDB; the function must be idempotent."""
    return Retrying(
        retry=retry_if_exception(is_away),
        wait=wait_exponential(multiplier=0.2, max=5),
        stop=stop_after_delay(outage),
        before_sleep=before_sleep_log(log, logging.WARNING),
        reraise=True,
    )


def connect(settings: MongoSettings) -> Database[Document]:
    """Open a client, check that it may read, and return Segue's database.

    Raises
    ------
    DoesNotAnswer
        The server cannot be reached; the message has the address without its password.
    SegueError
        The server's certificate is not trusted, or the server refuses the user.
    """
    if not settings.uri:
        raise SegueError("no MongoDB address: run ./run.sh up, or set SEGUE_MONGO__URI")
    where = shown(settings.uri)
    try:
        client: MongoClient[Document] = MongoClient(
            settings.uri,
            serverSelectionTimeoutMS=milliseconds(settings.timeout),
            tz_aware=True,
            appname="segue",
            # A date beyond the year 9999 or a text that is no UTF-8 must not fail a whole query.
            datetime_conversion="DATETIME_AUTO",
            unicode_decode_error_handler="replace",
            maxIdleTimeMS=milliseconds(_IDLE),
            **_heartbeat(settings),
            **guard(settings),
        )
        database = client[settings.database]
        # A ping would succeed without a user even if the server requires authentication.
        database[READABLE].find_one({"_id": ""}, {"_id": 1})
    except ServerSelectionTimeoutError as error:
        if fault := re.search(r"\[SSL[^]]*\] (.*?) \(_ssl", str(error)):
            raise SegueError(
                f"MongoDB at {where}: TLS failed ({fault[1]}): "
                "check SEGUE_MONGO__TLS_CA_FILE and SEGUE_MONGO__TLS_CERTIFICATE_KEY_FILE"
            ) from None
        raise DoesNotAnswer(
            f"MongoDB does not answer at {where}{' over TLS' if settings.tls == 'on' else ''}: "
            "start it with ./run.sh up, or set SEGUE_MONGO__URI and SEGUE_MONGO__TLS"
        ) from None
    except OperationFailure as error:
        why = (error.details or {}).get("errmsg")
        raise SegueError(
            f"MongoDB at {where} refused the user ({why}): "
            "check SEGUE_MONGO__USERNAME and SEGUE_MONGO__PASSWORD"
        ) from None
    except ssl.SSLError as error:
        raise SegueError(
            f"SEGUE_MONGO__TLS_CA_FILE {settings.tls_ca_file} cannot be used: {error.reason}"
        ) from None
    except ConnectionFailure as error:
        raise DoesNotAnswer(f"MongoDB at {where} closed the connection: {error}") from None
    except (PyMongoError, ValueError) as error:
        suspects = (
            "SEGUE_MONGO__TLS_CERTIFICATE_KEY_FILE"
            if settings.tls_certificate_key_file
            else "SEGUE_MONGO__URI"
        )
        raise SegueError(f"MongoDB at {where}: {error}: check {suspects}") from None
    return database


def _heartbeat(settings: MongoSettings) -> dict[str, Any]:
    """How soon the client notices a server that hangs: after the sum of both, and ends waiting calls.

    By default it takes half a minute. A value in the URI takes precedence.
    """
    options = {
        "connectTimeoutMS": max(milliseconds(settings.timeout), _CONNECT_MS),
        "heartbeatFrequencyMS": _HEARTBEAT_MS,
    }
    return {name: value for name, value in options.items() if name.lower() not in settings.uri.lower()}


def drop_database(settings: MongoSettings) -> None:
    """Delete the database of the settings with all of its collections.

    Raises
    ------
    SegueError
        As :func:`connect`.
    """
    database = connect(settings)
    try:
        database.client.drop_database(database.name)
    finally:
        database.client.close()


def guard(settings: MongoSettings) -> dict[str, Any]:
    """The client options for user and TLS; empty where the settings leave them to the URI."""
    options: dict[str, Any] = {}
    if settings.username:
        options |= {"username": settings.username, "password": settings.password.get_secret_value()}
    if settings.tls != "auto":
        options["tls"] = settings.tls == "on"
    if settings.tls_ca_file:
        options["tlsCAFile"] = settings.tls_ca_file
    if settings.tls_certificate_key_file:
        options["tlsCertificateKeyFile"] = settings.tls_certificate_key_file
    return options


def shown(uri: str) -> str:
    """The address for messages: hosts and numeric ports, without user and password."""
    match = re.match(r"mongodb(\+srv)?://", uri)
    scheme = match[0] if match else ""
    hosts = uri.removeprefix(scheme).rsplit("@", 1)[-1].split("/", 1)[0].split("?", 1)[0]
    # Text in place of a port may be a password in a URI without a host.
    return f"{scheme}{re.sub(r':(?![0-9]+(,|$))[^],]*(?=,|$)', '', hosts)}"


def upsert(
    collection: Collection[Any],
    documents: Iterable[Mapping[str, Any]],
    *,
    once: Several[str] = (),
    batch: int = 1000,
) -> int:
    """Set each document's fields by its _id, in unordered bulks; returns the number of documents.

    Parameters
    ----------
    once
        Fields that only a new document gets; an existing document keeps its own, or stays without them.
    """
    sent = 0
    operations: list[UpdateOne] = []
    for document in documents:
        fields = {key: value for key, value in document.items() if key != "_id" and key not in once}
        change: Document = {"$set": fields}
        if first := {key: document[key] for key in once if key in document}:
            change["$setOnInsert"] = first
        operations.append(UpdateOne({"_id": document["_id"]}, change, upsert=True))
        if len(operations) >= batch:
            sent += _write(collection, operations)
    return sent + _write(collection, operations)


def set_together(
    collection: Collection[Any],
    changes: Iterable[tuple[Sequence[str], Mapping[str, Any]]],
    *,
    batch: int = 1000,
) -> None:
    """Set the same fields in several documents: pairs of their ids and the fields, in unordered bulks."""
    operations: list[UpdateMany] = []
    for ids, fields in changes:
        for start in range(0, len(ids), batch):
            some = list(ids[start : start + batch])
            operations.append(UpdateMany({"_id": {"$in": some}}, {"$set": dict(fields)}))
        if len(operations) >= batch:
            collection.bulk_write(operations, ordered=False)
            operations = []
    if operations:
        collection.bulk_write(operations, ordered=False)


def upsert_new(
    collection: Collection[Any], documents: Sequence[Mapping[str, Any]], *, once: Several[str] = ()
) -> None:
    """Insert documents; those whose _id exists already are written as by :func:`upsert`."""
    if not documents:
        return
    try:
        # pymongo would add an _id to documents without one.
        collection.insert_many([dict(document) for document in documents], ordered=False)
    except BulkWriteError as error:
        failed = error.details["writeErrors"]
        # Another unique field that exists already is a fault.
        known = [one["code"] == _DUPLICATE and "_id" in one.get("keyPattern", {"_id": 1}) for one in failed]
        if not failed or not all(known):
            raise
        upsert(collection, [documents[one["index"]] for one in failed], once=once)


def _write(collection: Collection[Any], operations: list[UpdateOne]) -> int:
    if not operations:
        return 0
    collection.bulk_write(operations, ordered=False)
    count = len(operations)
    operations.clear()
    return count


def keep_for(database: Database[Document], collection: str, field: str, time: timedelta) -> None:
    """Let MongoDB remove documents whose date in `field` is older than `time`; replaces an earlier limit."""
    seconds = int(time.total_seconds())
    try:
        database[collection].create_index(field, expireAfterSeconds=seconds)
    except OperationFailure:  # the index exists with another time
        index = {"keyPattern": {field: 1}, "expireAfterSeconds": seconds}
        database.command("collMod", collection, index=index)


def pack(vector: np.ndarray) -> bytes:
    """A vector as little-endian float32 bytes, a fifth of the size of a BSON array and without parsing."""
    return np.ascontiguousarray(vector, dtype="<f4").tobytes()


def unpack(data: bytes) -> np.ndarray:
    """The inverse of :func:`pack`: a read-only float32 array of shape (dimension,)."""
    return np.frombuffer(data, dtype="<f4")


def replace_unless_newer(document_id: str, fields: dict[str, Any], *, reflects_at: int) -> UpdateOne:
    """Replace or insert a document, unless the stored one reflects a newer event.

    `fields` include `reflects_at` (epoch ms); `updated_at` is the server's clock at the write ($$NOW).
    """
    # $literal keeps MongoDB from reading an id that begins with a dollar as an expression.
    document = {"$mergeObjects": [{"$literal": {"_id": document_id, **fields}}, {"updated_at": "$$NOW"}]}
    newer = {
        "$and": [
            # A damaged time must not protect the document for ever: in MongoDB's order, texts are greater.
            {"$isNumber": "$reflects_at"},
            {"$gt": ["$reflects_at", reflects_at]},
            {"$lte": ["$reflects_at", {"$add": [{"$toLong": "$$NOW"}, _AHEAD_MS]}]},
        ]
    }
    replacement = [{"$replaceWith": {"$cond": [newer, "$$ROOT", document]}}]
    return UpdateOne({"_id": document_id}, replacement, upsert=True)


_AHEAD_MS = 24 * 3_600_000
"""No clock of a producer is ahead by more than this."""


def amount(field: str) -> Document:
    """The expression for a stored number of an aggregation; 0 for other values, which would spoil a sum."""
    # In MongoDB's order, NaN and null are less than 0, and texts, objects and lists are greater than numbers.
    return {"$cond": [{"$and": [{"$gte": [field, 0]}, {"$lte": [field, 2**53]}]}, field, 0]}


def text(field: str) -> Document:
    """The expression for a stored value as text; empty for a list, an object, a date or nothing."""
    # The conversion of a date beyond the year 9999 fails whatever `onError` says.
    value = {"$cond": [{"$eq": [{"$type": field}, "date"]}, None, field]}
    return {"$convert": {"input": value, "to": "string", "onError": "", "onNull": ""}}
