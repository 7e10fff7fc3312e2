"""Saves collections to one file, and restores them.

The file is a gzip stream of BSON documents: a header, then {"c": collection, "d": document} for each
document, then a trailer with the number of documents by collection. It has no indexes: the jobs create them
when they start.

Delivery: an archive is a snapshot of all collections at one time. It is written to a temporary file that is
renamed when it is complete. Restoring replaces whole documents by _id, so that an interrupted restore can be
repeated.
"""

from __future__ import annotations

import gzip
import os
import zlib
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO, cast

import bson
from bson.codec_options import CodecOptions
from bson.errors import BSONError
from pymongo.errors import OperationFailure

from segue.errors import SegueError
from segue.storage.mongo import Document
from segue.storage.store import Collection, Store

FORMAT = 1
_LENGTH = 4
_LARGEST = 17 << 20
"""A MongoDB document has 16 MB at most; its record adds the name of the collection."""
_BATCH = 500


def save(store: Store, file: Path, *, collections: Sequence[Collection[Any]]) -> dict[str, int]:
    """Write collections, in the order given; returns the number of documents by collection.

    Raises
    ------
    SegueError
        The file exists or cannot be written, or MongoDB cannot read all collections from one snapshot.
    """
    if file.exists():
        raise SegueError(f"{file} already exists: name another file")
    part = file.with_name(f".{file.name}.part")
    try:
        # The file contains password hashes and listening histories.
        with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as raw:
            with gzip.GzipFile(fileobj=raw, mode="wb", compresslevel=6, mtime=0) as out:
                counts = _write(store, collections, cast(BinaryIO, out))
            raw.flush()
            os.fsync(raw.fileno())
        part.replace(file)
    except OSError as error:
        raise SegueError(f"{file} cannot be written: {error.strerror}") from None
    except OperationFailure as error:
        why = (error.details or {}).get("errmsg", str(error))
        raise SegueError(f"MongoDB cannot read all collections from one snapshot ({why}): retry") from None
    finally:
        part.unlink(missing_ok=True)
    return counts


def _write(store: Store, collections: Sequence[Collection[Any]], out: BinaryIO) -> dict[str, int]:
    counts: dict[str, int] = {}
    names = [collection.name for collection in collections]
    header = {"segue": FORMAT, "database": store.name, "at": datetime.now(UTC), "collections": names}
    out.write(bson.encode(header))
    with store.database.client.start_session(snapshot=True) as session:
        for collection in collections:
            counts[collection.name] = 0
            for document in collection.dump(session):
                out.write(bson.encode({"c": collection.name, "d": document}))
                counts[collection.name] += 1
    out.write(bson.encode({"end": counts}))
    return counts


def check(file: Path) -> None:
    """Check that an archive is complete.

    Raises
    ------
    SegueError
        The file is incomplete, unreadable or not an archive of Segue.
    """
    counts: Counter[str] = Counter()
    end = None
    for number, record in enumerate(_records(file)):
        if number == 0:
            if record.get("segue") != FORMAT:
                raise SegueError(f"{file} is not a backup of Segue in format {FORMAT}")
        elif "end" in record:
            end = record["end"]
        else:
            counts[record["c"]] += 1
    if end is None or any(end[name] != counts[name] for name in end):
        raise SegueError(f"{file} is incomplete: nothing was restored")


def _records(file: Path) -> Iterator[Document]:
    """The header, the documents, and the trailer."""
    try:
        with gzip.open(file) as stream:
            while head := stream.read(_LENGTH):
                length = int.from_bytes(head, "little", signed=True)
                if not _LENGTH < length <= _LARGEST:
                    raise SegueError(f"{file} is not a backup of Segue in format {FORMAT}")
                yield bson.decode(head + stream.read(length - _LENGTH), CodecOptions(tz_aware=True))
    except (EOFError, zlib.error, BSONError):
        raise SegueError(f"{file} is incomplete: nothing was restored") from None
    except OSError as error:
        raise SegueError(f"{file} cannot be read: {error.strerror or error}") from None


def batches(file: Path) -> Iterator[tuple[str, list[Document]]]:
    """(collection, a batch of its documents), in the order of the file."""
    name, batch = "", list[Document]()
    for record in _records(file):
        if "c" not in record:
            continue
        if batch and (record["c"] != name or len(batch) >= _BATCH):
            yield name, batch
            batch = []
        name = record["c"]
        batch.append(record["d"])
    if batch:
        yield name, batch
