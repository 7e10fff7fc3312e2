"""Publishing a bundle to MongoDB, and fetching it on a machine that lacks it.

Delivery: files first, then the model's document, then the switch of the active version, each an upsert or
skipped when it is there. A crash in between leaves the former version active, and publishing again goes on.
"""

from __future__ import annotations

import time
from pathlib import Path

from pydantic import ValidationError
from pymongo.database import Database

from segue.index.bundle import Bundle, load_bundle
from segue.index.folders import LOCK, appearing, remove_unless_held
from segue.index.manifest import BundleError, Manifest
from segue.models.versions import Models
from segue.storage.files import FileStore
from segue.storage.mongo import Document
from segue.storage.store import Store

KIND = "index"
BUCKET = "bundles"
_GRACE_SECONDS = 24 * 3600


def publish(database: Database[Document], path: Path | str) -> Manifest:
    """Store a bundle in MongoDB and make it the active one.

    When the same version is there, built elsewhere, that one stays: its files may differ in bytes, but not in
    what they index.

    Returns
    -------
    The manifest of what is published.

    Raises
    ------
    BundleError
        The bundle is unfit; the active version stays.
    """
    path = Path(path)
    published = stored_manifest(database, path.name)
    if published is None:
        published = _store(database, path)
    Models(Store(database)).activate(KIND, published.version)
    return published


def stored_manifest(database: Database[Document], version: str) -> Manifest | None:
    """The manifest of a version that MongoDB has with all its files, or None."""
    found = Models(Store(database)).fields(KIND, version, "manifest")
    if found is None:
        return None
    manifest = _manifest(found["manifest"], version)
    store = FileStore(database, bucket=BUCKET)
    whole = all(
        store.holds(version, name, size=file.size, sha256=file.sha256)
        for name, file in manifest.files.items()
    )
    return manifest if whole else None


def _store(database: Database[Document], path: Path) -> Manifest:
    bundle = load_bundle(path)
    manifest = bundle.manifest
    store = FileStore(database, bucket=BUCKET)
    for name, file in manifest.files.items():
        if not store.holds(manifest.version, name, size=file.size, sha256=file.sha256):
            try:
                store.put(path / name, group=manifest.version, name=name, sha256=file.sha256)
            except (OSError, ValueError) as error:
                raise BundleError(f"{path / name} cannot be published: {error}") from None
    fields = {
        "manifest": manifest.document(),
        "path": str(path),
        "cold_start": bundle.ids(bundle.cold_start),
    }
    Models(Store(database)).put(KIND, manifest.version, fields, created_at=manifest.created_at)
    return manifest


def roll_back(database: Database[Document], *, folder: Path | str) -> Manifest:
    """Make the bundle that was made before the active one the active one, once it is verified here.

    Returns
    -------
    Its manifest.

    Raises
    ------
    BundleError
        There is none before it, or none that is fit; the active one stays.
    """
    models = Models(Store(database))
    active = models.active_version(KIND)
    current = models.fields(KIND, active, "created_at")
    if current is None:
        raise BundleError("no index has been published: run ./run.sh index")
    refused = ""
    for version in models.versions(KIND, before=current["created_at"]):
        try:
            manifest = fetch_bundle(database, version, folder=folder).manifest
        except BundleError as error:
            refused = f": {error}"
            continue
        models.activate(KIND, manifest.version)
        return manifest
    raise BundleError(f"there is no fit index before {active} to go back to{refused}")


def fetch(database: Database[Document], version: str, *, folder: Path | str) -> Path:
    """Have a version on this machine: the folder that is there, or a copy from MongoDB.

    The copy is verified before it gets its name; several processes may fetch at once, and the first stays.

    Raises
    ------
    BundleError
        MongoDB lacks the version or a file of it, or the copy is unfit.
    """
    path = Path(folder) / version
    if path.exists():
        return path
    found = Models(Store(database)).fields(KIND, version, "manifest")
    if found is None:
        raise BundleError(f"index {version} is neither in {folder} nor in MongoDB: run ./run.sh index")
    manifest = _manifest(found["manifest"], version)
    store = FileStore(database, bucket=BUCKET)
    try:
        with appearing(path) as temporary:
            for name in manifest.files:
                store.get(temporary / name, group=version, name=name)
            manifest.write(temporary)
            load_bundle(temporary, version=version)
    except FileNotFoundError as error:
        raise BundleError(f"index {version} cannot be fetched: {error}") from None
    except OSError as error:
        raise BundleError(f"{path} cannot be written: {error.strerror or error}") from error
    _drop_retired(database, path.parent)
    return path


def _manifest(stored: Document, version: str) -> Manifest:
    try:
        return Manifest.model_validate(stored)
    except ValidationError:
        raise BundleError(
            f"index {version}: its manifest in MongoDB is damaged: run ./run.sh index"
        ) from None


def _drop_retired(database: Database[Document], folder: Path) -> None:
    """Remove this machine's copies of versions that were retired elsewhere.

    A day's grace: a bundle that is in no document yet may be about to be published.
    """
    known = set(Models(Store(database)).versions(KIND))
    for path in folder.glob("[!.]*/"):
        lock = path / LOCK
        if path.name not in known and lock.exists() and time.time() - lock.stat().st_mtime > _GRACE_SECONDS:
            remove_unless_held(path)


def fetch_bundle(database: Database[Document], version: str, *, folder: Path | str) -> Bundle:
    """:func:`fetch` a version, and map it.

    Raises
    ------
    BundleError
        It cannot be had, or is unfit.
    """
    path = fetch(database, version, folder=folder)
    try:
        return load_bundle(path)
    except BundleError as error:
        if path.exists():
            raise BundleError(f"{error}: remove {path}, and it is fetched from MongoDB again") from None
    return load_bundle(fetch(database, version, folder=folder))  # it was retired in this moment
