"""Trained models, whose arrays are in GridFS; the rest of each version is in `models`.

Delivery: the file first, then the model's document, then, once all parts are stored, the switch of the active
version, so that a reader sees the old or the new one, complete. An interrupted run continues with the parts
that are stored.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np

from segue.errors import SegueError
from segue.models.versions import Models
from segue.storage.checksums import file_sum
from segue.storage.files import FileStore
from segue.storage.store import Job, Policy, Right, Store

BUCKET = "trained"
_FILE = "arrays.npz"
POLICY = Policy(
    computed=True,
    access={
        Job.DASHBOARD: Right.READ,  # the space that an uploaded file is placed in
        Job.CATALOGUE: Right.READ,  # for the index and the embeddings
        Job.OPERATOR: Right.WRITE | Right.INDEX,
    },
)
"""The policy of both collections of the bucket."""


class ModelError(SegueError):
    """A stored model is missing or damaged."""


def stored(store: Store, kind: str, version: str) -> bool:
    """Whether a version is stored with its whole file."""
    file = (Models(store).fields(kind, version, "file") or {}).get("file")
    return file is not None and _files(store).holds(
        f"{kind}:{version}", _FILE, size=file["size"], sha256=file["sha256"]
    )


def save(
    store: Store, kind: str, version: str, *, arrays: Mapping[str, np.ndarray], made_of: Mapping[str, Any]
) -> None:
    """Store a version without activating it: see :func:`put_in_use`.

    `made_of` is stored in the model's document: the data and settings it was learned from, and its size.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / _FILE
        np.savez(path, allow_pickle=False, **arrays)
        file = file_sum(path)
        _files(store).put(path, group=f"{kind}:{version}", name=_FILE, sha256=file.sha256)
    fields = {**made_of, "file": {"size": file.size, "sha256": file.sha256}}
    Models(store).put(kind, version, fields, created_at=datetime.now(UTC))


def put_in_use(store: Store, kind: str, version: str, *, keep: int) -> None:
    """Make a stored version the active one, and remove others beyond the newest `keep`."""
    models, files = Models(store), _files(store)
    models.activate(kind, version)
    # A version that is in use again stays, however old.
    for old in (other for other in models.versions(kind)[keep:] if other != version):
        models.remove(kind, [old])
        files.remove(f"{kind}:{old}")
    files.sweep(groups=models.with_file())


def retire(store: Store, kind: str) -> None:
    """Remove all versions of a kind that is no longer learned."""
    models, files = Models(store), _files(store)
    old = models.versions(kind)
    if models.retire(kind):
        for version in old:
            files.remove(f"{kind}:{version}")


def load(store: Store, kind: str, version: str | None = None) -> dict[str, np.ndarray] | None:
    """The arrays of a version, by default the active one; None before the first.

    Raises
    ------
    ModelError
        The document is stored, but its file is not, or is damaged.
    """
    version = version or Models(store).active_version(kind)
    if version is None:
        return None
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / _FILE
        try:
            _files(store).get(path, group=f"{kind}:{version}", name=_FILE)
        except FileNotFoundError as error:
            raise ModelError(f"{error}: run ./run.sh models train") from None
        try:
            with np.load(path, allow_pickle=False) as arrays:
                return {name: arrays[name] for name in arrays.files}
        except (OSError, ValueError, EOFError, BadZipFile) as error:
            raise ModelError(
                f"{kind} {version} is damaged in MongoDB: {error}: run ./run.sh models train"
            ) from None


def _files(store: Store) -> FileStore:
    return FileStore(store, bucket=BUCKET)
