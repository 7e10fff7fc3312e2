"""Writes embeddings to MongoDB and reads them, with the methods of pymongo and PyMongoArrow.

Every method stores the same documents (id, track, space, vector) in a separate collection with the index on
_id, as `embeddings` has, and the result is compared with the written vectors. PyMongoArrow is included if it
is installed: each of its releases is built for a specific release of pyarrow.
"""

from __future__ import annotations

import importlib.util
import time
import uuid
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import cast

import bson
import numpy as np
import pyarrow as pa
from bson.raw_bson import RawBSONDocument
from pymongo.collection import Collection
from pymongo.database import Database
from rich.console import Console

from segue.benchmarks.catalogue import DIMENSION, FMA, track_id, vectors
from segue.errors import SegueError
from segue.local.stack import connected
from segue.settings import load_settings
from segue.storage.mongo import Document, connect, pack, upsert

THREADS = 2
PER_BATCH = 5000
SPACE = "bench"

Write = Callable[[Collection[Document], np.ndarray], object]
Read = Callable[[Collection[Document]], np.ndarray]


def measure(*, quick: bool, console: Console, tracks: int | None = None) -> dict[str, float | bool]:
    """Seconds of each method to write and to read, sizes, and whether all methods return the same floats."""
    count = tracks or (20_000 if quick else FMA)
    settings = connected(load_settings(), kafka=False).mongo
    database = connect(settings.model_copy(update={"database": f"bench_{uuid.uuid4().hex[:8]}"}))
    rows = vectors(count)
    arrow = importlib.util.find_spec("pymongoarrow") is not None
    writes: dict[str, Write] = {
        "upsert": _upsert,
        "upsert_threads": _upsert_in_threads,
        "insert": _insert,
        "insert_threads": _insert_in_threads,
        "insert_raw": _insert_raw,
        "insert_arrays": _insert_arrays,
    } | ({"insert_arrow": _insert_arrow} if arrow else {})
    reads: dict[str, Read] = {"find": _find, "raw_batches": _raw_batches, "threads": _find_in_threads} | (
        {"arrow": _read_arrow} if arrow else {}
    )
    figures: dict[str, float | bool] = {"tracks": count, "dimension": DIMENSION}
    same = True
    try:
        for name, write in writes.items():
            collection = database[name]
            began = time.perf_counter()
            write(collection, rows)
            figures[f"write_{name}_s"] = time.perf_counter() - began
            console.print(f"write, {name}: {figures[f'write_{name}_s']:.2f} s")
            if name != "insert_arrays":
                same &= np.array_equal(_find(collection), rows)
        for name, read in reads.items():
            began = time.perf_counter()
            stored_rows = read(database.insert)
            figures[f"read_{name}_s"] = time.perf_counter() - began
            console.print(f"read, {name}: {figures[f'read_{name}_s']:.2f} s")
            same &= np.array_equal(stored_rows, rows)
        began = time.perf_counter()
        same &= np.array_equal(_find_arrays(database.insert_arrays), rows)
        figures["read_arrays_s"] = time.perf_counter() - began
        figures |= _sizes(database, "insert", "bytes") | _sizes(database, "insert_arrays", "array")
    finally:
        database.client.drop_database(database.name)
    if not same:
        raise SegueError("the vectors read differ from those written")
    return figures | {"same_floats": same}


def _batches(count: int) -> list[range]:
    return [range(start, min(count, start + PER_BATCH)) for start in range(0, count, PER_BATCH)]


def _documents(rows: np.ndarray, numbers: Iterable[int]) -> list[Document]:
    return [
        {
            "_id": f"{SPACE}:{track_id(n)}",
            "track_id": track_id(n),
            "space": SPACE,
            "vector": pack(rows[n]),
        }
        for n in numbers
    ]


def _upsert(collection: Collection[Document], rows: np.ndarray) -> None:
    upsert(collection, _documents(rows, range(len(rows))))


def _insert(collection: Collection[Document], rows: np.ndarray) -> None:
    for numbers in _batches(len(rows)):
        collection.insert_many(_documents(rows, numbers), ordered=False)


def _insert_raw(collection: Collection[Document], rows: np.ndarray) -> None:
    """Insert documents that are already encoded, so that pymongo only frames them."""
    for numbers in _batches(len(rows)):
        encoded = [RawBSONDocument(bson.encode(document)) for document in _documents(rows, numbers)]
        collection.insert_many(encoded, ordered=False)


def _insert_arrays(collection: Collection[Document], rows: np.ndarray) -> None:
    """Insert the vectors as BSON arrays of doubles, as a Spark connector would."""
    for numbers in _batches(len(rows)):
        documents = _documents(rows, numbers)
        for document, n in zip(documents, numbers, strict=True):
            document["vector"] = rows[n].tolist()
        collection.insert_many(documents, ordered=False)


def _in_threads(write: Write, collection: Collection[Document], rows: np.ndarray) -> None:
    def part(numbers: range) -> None:
        documents = _documents(rows, numbers)
        if write is _upsert:
            upsert(collection, documents)
        else:
            collection.insert_many(documents, ordered=False)

    with ThreadPoolExecutor(THREADS) as pool:
        list(pool.map(part, _batches(len(rows))))


_upsert_in_threads: Write = partial(_in_threads, _upsert)
_insert_in_threads: Write = partial(_in_threads, _insert)


def _insert_arrow(collection: Collection[Document], rows: np.ndarray) -> None:
    from pymongoarrow.api import write

    for numbers in _batches(len(rows)):
        write(collection, pa.Table.from_pylist(_documents(rows, numbers)))


def _find(collection: Collection[Document]) -> np.ndarray:
    documents = collection.find({"space": SPACE}, {"_id": 0, "track_id": 1, "vector": 1}, batch_size=10_000)
    return _matrix([(document["track_id"], document["vector"]) for document in documents])


def _raw_batches(collection: Collection[Document]) -> np.ndarray:
    cursor = collection.find_raw_batches(
        {"space": SPACE}, {"_id": 0, "track_id": 1, "vector": 1}, batch_size=10_000
    )
    batches = cast("Iterable[bytes]", cursor)  # pymongo's types claim documents
    return _matrix(
        [(item["track_id"], item["vector"]) for batch in batches for item in bson.decode_all(batch)]
    )


def _find_in_threads(collection: Collection[Document]) -> np.ndarray:
    count = collection.count_documents({"space": SPACE})
    edges = [f"{SPACE}:{track_id(count * part // THREADS)}" for part in range(THREADS)] + [f"{SPACE};"]

    def part(number: int) -> list[tuple[str, bytes]]:
        between = {"$gte": edges[number], "$lt": edges[number + 1]}
        documents = collection.find(
            {"_id": between}, {"_id": 0, "track_id": 1, "vector": 1}, batch_size=10_000
        )
        return [(document["track_id"], document["vector"]) for document in documents]

    with ThreadPoolExecutor(THREADS) as pool:
        return _matrix([pair for pairs in pool.map(part, range(THREADS)) for pair in pairs])


def _read_arrow(collection: Collection[Document]) -> np.ndarray:
    from pymongoarrow.api import Schema, find_arrow_all

    schema = Schema({"track_id": pa.string(), "vector": pa.binary()})
    table = find_arrow_all(collection, {"space": SPACE}, schema=schema)
    return _matrix(list(zip(table["track_id"].to_pylist(), table["vector"].to_pylist(), strict=True)))


def _find_arrays(collection: Collection[Document]) -> np.ndarray:
    documents = collection.find({"space": SPACE}, {"_id": 0, "track_id": 1, "vector": 1}, batch_size=10_000)
    pairs = sorted((document["track_id"], document["vector"]) for document in documents)
    return np.array([vector for _, vector in pairs], dtype=np.float32)


def _matrix(pairs: list[tuple[str, bytes]]) -> np.ndarray:
    pairs.sort()
    return np.frombuffer(b"".join(vector for _, vector in pairs), "<f4").reshape(len(pairs), DIMENSION)


def _sizes(database: Database[Document], name: str, kind: str) -> dict[str, float]:
    stats = database.command("collStats", name)
    return {
        f"document_bytes_{kind}": float(stats["avgObjSize"]),
        f"collection_mb_{kind}": stats["size"] / 1e6,
        f"index_mb_{kind}": stats["totalIndexSize"] / 1e6,
    }
