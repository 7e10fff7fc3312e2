"""The index bundle: a folder named by its version, written once, never changed, and mapped by its readers.

It contains the neighbour backend's file, a file for each array of :class:`segue.index.contents.Contents`,
`manifest.json` (:class:`segue.index.manifest.Manifest`), and a `lock` that readers hold
(:mod:`segue.index.folders`).

Overwriting a mapped file kills its reader with SIGBUS. So a bundle appears complete, by a rename, and is
never changed; another corpus or other settings give another version.
"""

from __future__ import annotations

import os
import shutil
import threading
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from segue.errors import SegueError
from segue.index.backend import Backend
from segue.index.backends import stored_backend
from segue.index.checksums import first_mismatch
from segue.index.contents import Contents, files_of, version_of
from segue.index.extended import ExtendedIndex, added_rows
from segue.index.folders import Hold, appearing, remove_now
from segue.index.manifest import BundleError, Manifest
from segue.index.neighbours import NeighbourIndex
from segue.index.recall import measure_recall
from segue.index.track_index import TrackIndex
from segue.storage.checksums import file_sum

__all__ = [
    "Bundle",
    "BundleError",
    "Contents",
    "Manifest",
    "base_of",
    "load_bundle",
    "version_of",
    "write_bundle",
]


@dataclass(frozen=True, kw_only=True, eq=False)
class Bundle(TrackIndex):
    """A loaded bundle with mapped arrays. Its folder is not removed while the object exists."""

    manifest: Manifest
    path: Path
    """The folder."""
    hold: Hold = field(repr=False)
    """Protects the folder."""


def write_bundle(
    folder: Path | str,
    contents: Contents,
    *,
    space: str,
    backend: Backend[Any],
    recall_queries: int = 500,
    created_at: datetime | None = None,
    extends: Bundle | None = None,
) -> Manifest:
    """Build, measure and write a bundle into `folder` under its version; an intact one of that version stays.

    Parameters
    ----------
    space
        The version of the embedding space.
    recall_queries
        The number of rows that are queried to measure recall.
    created_at
        Time stamp for the manifest; by default now.
    extends
        The bundle whose backend's file an extended index keeps; `contents.indexed_rows` has its rows.

    Raises
    ------
    BundleError
        The contents are inconsistent, or the folder cannot be written.
    """
    contents.check()
    base = base_of(extends)
    version = version_of(contents, space=space, backend=backend, base=base)
    path = Path(folder) / version
    if path.exists():
        try:
            return load_bundle(path).manifest
        except BundleError:
            remove_now(path)  # damaged: the new one replaces it
    vectors = contents.vectors
    try:
        with appearing(path) as temporary:
            arrays = contents.arrays()
            for name, array in arrays.items():
                np.save(temporary / name, array, allow_pickle=False)
            began = time.perf_counter()
            if extends is None:
                backend.build(vectors, temporary)
            else:
                _keep(backend, of=extends.path, into=temporary)
            build_s = time.perf_counter() - began
            opened = _searched(backend, contents, temporary)
            measured = measure_recall(opened, vectors, queries=recall_queries)
            Manifest(
                version=version,
                backend=backend.name,
                dimension=vectors.shape[1],
                parameters=backend.parameters,
                count=len(vectors),
                space=space,
                created_at=created_at or datetime.now(UTC),
                files={name: file_sum(temporary / name) for name in (*arrays, *_own_file(backend))},
                recall20=round(measured.recall, 4),
                recall_queries=measured.queries,
                latency_ms=round(measured.latency_ms, 4),
                build_s=round(build_s, 3),
                base=base,
            ).write(temporary)
    except OSError as error:
        raise BundleError(f"{path} cannot be written: {error.strerror or error}") from error
    return Manifest.read(path)


def load_bundle(path: Path | str, *, version: str | None = None, verify: bool = True) -> Bundle:
    """Map a bundle, and hold its folder while the result exists.

    Parameters
    ----------
    version
        The expected version; by default the folder's name.
    verify
        Compare checksums and values; otherwise only shapes and dtypes.

    Raises
    ------
    BundleError
        A file is missing or differs from the manifest in checksum, dimension, count, dtype or order.
    """
    path = Path(path)
    try:
        hold = Hold(path)
    except OSError as error:
        raise BundleError(f"{path} is not an index bundle: {error.strerror or error}") from None
    try:
        manifest = Manifest.read(path)
        if manifest.version != (version or path.name):
            raise BundleError(f"{path}: its manifest is of version {manifest.version}")
        backend = _backend_of(path, manifest)
        names = files_of(manifest.files)
        if set(manifest.files) != {*names, *_own_file(backend)}:
            raise BundleError(f"{path}: its manifest lists {', '.join(sorted(manifest.files))}")
        if verify and (mismatch := first_mismatch(path, manifest.files)):
            raise BundleError(mismatch)
        contents = Contents.of_files({name: _mapped(path / name) for name in names})
        _check(path, contents, manifest, values=verify)
        return Bundle(
            **contents.columns(),
            version=manifest.version,
            space=manifest.space,
            neighbours=_open(path, backend, contents),
            manifest=manifest,
            path=path,
            hold=hold,
        )
    except BaseException:  # Ctrl-C too: a folder that is held is never removed
        hold.close()
        raise


def _own_file(backend: Backend[Any]) -> tuple[str, ...]:
    return (backend.file,) if backend.file else ()


def _backend_of(path: Path, manifest: Manifest) -> Backend[Any]:
    try:
        return stored_backend(manifest.backend, manifest.parameters)
    except SegueError as error:
        raise BundleError(f"{path}: {error}") from None


_PARSING = threading.Lock()
"""Held while numpy parses the header of a file as Python: two threads of Python 3.11 disturb each other there
(CPython's issue 106905)."""


def _mapped(path: Path) -> np.ndarray:
    try:
        # A plain array over the mapping: numpy's memmap class makes each slice slower.
        with _PARSING:
            return np.asarray(np.load(path, mmap_mode="r", allow_pickle=False))
    except (OSError, ValueError) as error:
        raise BundleError(f"{path} is not an array: {error}") from None


def _check(path: Path, contents: Contents, manifest: Manifest, *, values: bool) -> None:
    try:
        contents.check_shapes(count=manifest.count, dimension=manifest.dimension)
        if values:
            contents.check()
    except BundleError as error:
        raise BundleError(f"{path}: {error}") from None


def base_of(extended: Bundle | None) -> str | None:
    """The version of the complete index whose backend's file an extension of a bundle has."""
    return None if extended is None else extended.manifest.base or extended.manifest.version


def _searched(backend: Backend[Any], contents: Contents, folder: Path) -> NeighbourIndex:
    """The search over the backend's file, and over the rows that it lacks."""
    items = contents.indexed_rows
    opened = backend.open(contents.vectors, folder, items=items)
    if items is None:
        return opened
    return ExtendedIndex(opened, contents.vectors, added_rows(items, count=len(contents.vectors)))


def _keep(backend: Backend[Any], *, of: Path, into: Path) -> None:
    """Take over the backend's file of another bundle: by a link, or by a copy between file systems."""
    for name in _own_file(backend):
        try:
            os.link(of / name, into / name)
        except OSError:
            shutil.copyfile(of / name, into / name)


def _open(path: Path, backend: Backend[Any], contents: Contents) -> NeighbourIndex:
    try:
        return _searched(backend, contents, path)
    except (OSError, RuntimeError, ValueError) as error:
        raise BundleError(f"{path / str(backend.file)} does not fit: {error}") from None
