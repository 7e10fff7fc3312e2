"""Taking old bundles away, once nobody maps them."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from pymongo.database import Database

from segue.index.folders import remove_left_overs, remove_unless_held
from segue.index.manifest import BundleError, Manifest
from segue.index.publish import BUCKET, KIND
from segue.models.versions import Models
from segue.storage.files import FileStore
from segue.storage.mongo import Document
from segue.storage.store import Store

_OLDEST = datetime.min.replace(tzinfo=UTC)


def retire(database: Database[Document], *, folder: Path | str, keep: int) -> list[str]:
    """Remove bundles beyond the newest `keep`, from this machine's folder and from MongoDB.

    The active one stays, however old. One that a process on this machine maps stays whole, here and in
    MongoDB, until a later call. Readers on other machines have copies of their own.

    Parameters
    ----------
    keep
        How many stay, 1 or more, the active one among them if it is that new.

    Returns
    -------
    The versions that were removed, newest first.
    """
    if keep < 1:
        raise ValueError(f"keep is {keep}: it must be 1 or more")
    folder = Path(folder)
    models = Models(Store(database))
    store = FileStore(database, bucket=BUCKET)
    ages = _on_disk(folder) | models.created(KIND)
    active = models.active_version(KIND)
    removed = []
    for version in sorted(ages, key=lambda version: (ages[version], version), reverse=True)[keep:]:
        if version == active or not _gone_from_disk(folder / version):
            continue
        # The document first, so that nobody begins to fetch what is about to go.
        models.remove(KIND, [version])
        store.remove(version)
        removed.append(version)
    store.sweep(groups=list(models.created(KIND)))
    if folder.is_dir():
        remove_left_overs(folder)
    return removed


def _on_disk(folder: Path) -> dict[str, datetime]:
    """When each version in the folder was made; a damaged one counts as the oldest."""
    ages = {}
    for path in folder.glob("[!.]*/"):
        try:
            ages[path.name] = Manifest.read(path).created_at
        except BundleError:
            if (path / "manifest.json").exists():
                ages[path.name] = _OLDEST
    return ages


def _gone_from_disk(path: Path) -> bool:
    return not path.exists() or remove_unless_held(path)
