"""Trained models in MongoDB: their arrays in GridFS, what they were made of in `models`.

Delivery: the file first, then the model's document, then, when all that it needs is there, the switch of
the active version, so that a reader sees the old or the new one, whole; a run cut short goes on with what is
stored already.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from pymongo.database import Database

from segue.errors import SegueError
from segue.index.checksums import file_sum
from segue.storage.files import FileStore
from segue.storage.mongo import Document, activate, active_version

BUCKET = "trained"
_FILE = "arrays.npz"


class ModelError(SegueError):
    """A stored model is missing or damaged."""


def stored(database: Database[Document], kind: str, version: str) -> bool:
    """Whether MongoDB has this version with its whole file."""
    found = database.models.find_one({"_id": f"{kind}:{version}"}, {"file": 1})
    return found is not None and FileStore(database, bucket=BUCKET).holds(
        f"{kind}:{version}", _FILE, size=found["file"]["size"], sha256=found["file"]["sha256"]
    )


def save(
    database: Database[Document],
    kind: str,
    version: str,
    *,
    arrays: Mapping[str, np.ndarray],
    made_of: Mapping[str, Any],
) -> None:
    """Store a version, without switching to it: see :func:`put_in_use`.

    `made_of` is kept in the model's document: what it was learned from, and its size.
    """
    group = f"{kind}:{version}"
    store = FileStore(database, bucket=BUCKET)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / _FILE
        np.savez(path, allow_pickle=False, **arrays)
        file = file_sum(path)
        store.put(path, group=group, name=_FILE, sha256=file.sha256)
    fields = {"kind": kind, "version": version, "created_at": datetime.now(UTC), **made_of}
    fields["file"] = {"size": file.size, "sha256": file.sha256}
    database.models.update_one({"_id": group}, {"$set": fields}, upsert=True)


def put_in_use(database: Database[Document], kind: str, version: str, *, keep: int) -> None:
    """Make a stored version the active one, and remove others beyond the newest `keep`."""
    activate(database, kind, version)
    store = FileStore(database, bucket=BUCKET)
    newest = database.models.find({"kind": kind}, {"version": 1}).sort("created_at", -1)
    for old in list(newest)[keep:]:
        if old["version"] == version:  # an older one that is in use again
            continue
        database.models.delete_one({"_id": old["_id"]})
        store.remove(old["_id"])
    store.sweep(groups=[one["_id"] for one in database.models.find({"file": {"$exists": True}}, {"_id": 1})])


def load(database: Database[Document], kind: str, version: str | None = None) -> dict[str, np.ndarray] | None:
    """The arrays of a version, the active one when left out; None before the first.

    Raises
    ------
    ModelError
        The document is there, and its file is not.
    """
    version = version or active_version(database, kind)
    if version is None:
        return None
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / _FILE
        try:
            FileStore(database, bucket=BUCKET).get(path, group=f"{kind}:{version}", name=_FILE)
        except FileNotFoundError as error:
            raise ModelError(f"{error}: run ./run.sh models train") from None
        with np.load(path, allow_pickle=False) as found:
            return {name: found[name] for name in found.files}
