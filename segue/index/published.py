"""Bundles in MongoDB: publishing, fetching to a machine, going back, and retiring old ones.

Delivery: files first, then the model's document, then the switch of the active version, each an upsert or
skipped if it is stored. After a crash in between, the former version is active; publishing again continues.
"""

from __future__ import annotations

import logging
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from segue.index.bundle import Bundle, load_bundle
from segue.index.folders import (
    LOCK,
    appearing,
    put_aside,
    put_back,
    remove_left_overs,
    remove_unless_held,
)
from segue.index.manifest import BundleError, Manifest
from segue.models.versions import Models
from segue.storage.files import FileStore
from segue.storage.store import Job, Policy, Right, Store

log = logging.getLogger(__name__)
KIND = "index"
"""The kind in `models`."""
BUCKET = "bundles"
POLICY = Policy(
    computed=True,
    access={Job.STREAM: Right.READ, Job.DASHBOARD: Right.READ, Job.CATALOGUE: Right.WRITE | Right.INDEX},
)
_GRACE_SECONDS = 24 * 3600
_OLDEST = datetime.min.replace(tzinfo=UTC)


class PublishedBundles:
    """The owner of the bundles in MongoDB: their documents in `models` and their files in GridFS."""

    def __init__(self, store: Store) -> None:
        self._models = Models(store)
        self._files = FileStore(store, bucket=BUCKET)

    def active_version(self) -> str | None:
        """The published version; None before the first."""
        return self._models.active_version(KIND)

    def active_count(self) -> int:
        """The number of tracks that can be recommended; 0 before a bundle is published."""
        model = self._models.active_fields(KIND, "manifest.count") or {}
        count = model.get("manifest", {}).get("count", 0)
        return count if isinstance(count, int) else 0

    def active_space(self) -> str | None:
        """The version of the embedding space that is served; None before a bundle is published."""
        model = self._models.active_fields(KIND, "manifest.space") or {}
        space = model.get("manifest", {}).get("space")
        return None if space is None else str(space)

    def varied_selection(self, version: str | None) -> list[str]:
        """The track ids of a version's varied selection, in order; empty if the version is not stored."""
        model = self._models.fields(KIND, version, "cold_start") or {}
        return [str(track_id) for track_id in model.get("cold_start", [])]

    def manifest(self, version: str | None) -> Manifest | None:
        """The manifest of a version, whether or not all its files are stored; None if the version is not
        stored.

        Raises
        ------
        BundleError
            The manifest is damaged.
        """
        model = self._models.fields(KIND, version, "manifest")
        return None if model is None else _manifest(model.get("manifest"), version)

    def manifests(self) -> list[Manifest]:
        """The manifests of all stored versions, newest first, without damaged ones."""
        manifests = []
        for version in self._models.versions(KIND):
            try:
                manifest = self.manifest(version)
            except BundleError as error:
                log.error("%s", error)
                continue
            if manifest is not None:
                manifests.append(manifest)
        return manifests

    def whole_manifest(self, version: str) -> Manifest | None:
        """The manifest of a version that is stored with all its files, or None."""
        manifest = self.manifest(version)
        if manifest is None:
            return None
        whole = all(
            self._files.holds(version, name, size=file.size, sha256=file.sha256)
            for name, file in manifest.files.items()
        )
        return manifest if whole else None

    def publish(self, path: Path | str) -> Manifest:
        """Store a bundle and make it the active one.

        A stored bundle of the same version, built elsewhere, stays: its files may differ in bytes, but index
        the same contents.

        Returns
        -------
        The manifest of the published bundle.

        Raises
        ------
        BundleError
            The bundle is unfit; the active version is unchanged.
        """
        path = Path(path)
        published = self._intact(path.name) or self._put(path)
        self._models.activate(KIND, published.version)
        return published

    def _intact(self, version: str) -> Manifest | None:
        try:
            return self.whole_manifest(version)
        except BundleError:
            return None  # it is stored again

    def _put(self, path: Path) -> Manifest:
        bundle = load_bundle(path)
        manifest = bundle.manifest
        for name, file in manifest.files.items():
            if not self._files.holds(manifest.version, name, size=file.size, sha256=file.sha256):
                try:
                    self._files.put(path / name, group=manifest.version, name=name, sha256=file.sha256)
                except (OSError, ValueError) as error:
                    raise BundleError(f"{path / name} cannot be published: {error}") from None
        fields = {
            "manifest": manifest.document(),
            "path": str(path),
            "cold_start": bundle.ids(bundle.cold_start),
        }
        self._models.put(KIND, manifest.version, fields, created_at=manifest.created_at)
        return manifest

    def fetch(self, version: str, *, folder: Path | str) -> Path:
        """Provide a version on this machine: the folder that exists, or a copy from MongoDB.

        The copy is verified before it gets its name. If several processes fetch at once, the first copy
        stays.

        Raises
        ------
        BundleError
            MongoDB lacks the version or a file of it, or the copy is unfit.
        """
        path = Path(folder) / version
        if path.exists():
            return path
        manifest = self.manifest(version)
        if manifest is None:
            raise BundleError(
                f"index {version} is neither in {folder} nor in MongoDB: run ./run.sh index build"
            )
        try:
            with appearing(path) as temporary:
                for name in manifest.files:
                    self._files.get(temporary / name, group=version, name=name)
                manifest.write(temporary)
                load_bundle(temporary, version=version)
        except FileNotFoundError as error:
            raise BundleError(f"index {version} cannot be fetched: {error}") from None
        except OSError as error:
            raise BundleError(f"{path} cannot be written: {error.strerror or error}") from error
        self._drop_retired(path.parent)
        return path

    def load(self, version: str, *, folder: Path | str) -> Bundle:
        """:meth:`fetch` a version and map it; a damaged folder is replaced by MongoDB's copy.

        The damaged folder stays for a day under a hidden name.

        Raises
        ------
        BundleError
            The bundle is not available, or is unfit, here and in MongoDB.
        """
        path = self.fetch(version, folder=folder)
        try:
            return load_bundle(path)
        except BundleError as error:
            damage = error
        aside = put_aside(path)
        if aside is None:  # it was retired a moment ago, or another process has put it aside
            return load_bundle(self.fetch(version, folder=folder))
        try:
            bundle = load_bundle(self.fetch(version, folder=folder))
        except BundleError as error:
            put_back(aside, path)
            raise BundleError(f"{damage}; and from MongoDB: {error}") from None
        log.error("%s: it is replaced by MongoDB's copy, and kept for a day as %s", damage, aside)
        return bundle

    def earlier(self, version: str) -> list[str]:
        """The versions that were built before this one, or all others if it has no date, newest first."""
        ages = self._models.created(KIND)
        limit = ages.get(version)
        others = {own: at for own, at in ages.items() if own != version and (limit is None or at < limit)}
        return sorted(others, key=lambda own: (others[own], own), reverse=True)

    def roll_back(self, *, folder: Path | str) -> Manifest:
        """Activate the bundle that was built before the active one, once it is verified here.

        Returns
        -------
        Its manifest.

        Raises
        ------
        BundleError
            There is no earlier bundle, or none that is fit; the active one stays.
        """
        active = self.active_version()
        if active is None or not self._models.has(KIND, active):
            raise BundleError("no index has been published: run ./run.sh index build")
        refused = ""
        for version in self.earlier(active):
            try:
                manifest = self.load(version, folder=folder).manifest
            except BundleError as error:
                refused = f": {error}"
                continue
            self._models.activate(KIND, manifest.version)
            return manifest
        raise BundleError(f"there is no usable index before {active} to go back to{refused}")

    def retire(self, *, folder: Path | str, keep: int) -> list[str]:
        """Remove bundles beyond the newest `keep`, from this machine's folder and from MongoDB.

        The active one stays, however old. A bundle that a process on this machine maps stays complete, here
        and in MongoDB, until a later call. Readers on other machines have their own copies.

        Parameters
        ----------
        keep
            The number of bundles to keep, 1 or more; the active one counts if it is among the newest.

        Returns
        -------
        The versions that were removed, newest first.
        """
        if keep < 1:
            raise ValueError(f"keep is {keep}: it must be 1 or more")
        folder = Path(folder)
        ages = _ages(folder) | self._models.created(KIND)
        active = self.active_version()
        removed = []
        for version in sorted(ages, key=lambda version: (ages[version], version), reverse=True)[keep:]:
            path = folder / version
            if version == active or (path.exists() and not remove_unless_held(path)):
                continue
            # The document first, so that no reader begins to fetch a bundle that is being removed.
            self._models.remove(KIND, [version])
            self._files.remove(version)
            removed.append(version)
        self._files.sweep(groups=self._models.versions(KIND))
        if folder.is_dir():
            remove_left_overs(folder)
        return removed

    def _drop_retired(self, folder: Path) -> None:
        """Remove this machine's copies of versions that were retired elsewhere.

        A day's grace: a bundle without a document may be about to be published.
        """
        known = set(self._models.versions(KIND))
        remove_left_overs(folder)
        for path in folder.glob("[!.]*/"):
            lock = path / LOCK
            old = lock.exists() and time.time() - lock.stat().st_mtime > _GRACE_SECONDS
            if path.name not in known and old:
                remove_unless_held(path)


def _manifest(stored: Any, version: str | None) -> Manifest:
    try:
        return Manifest.model_validate(stored)
    except ValidationError:
        raise BundleError(
            f"index {version}: its manifest in MongoDB is damaged: run ./run.sh index build"
        ) from None


def _ages(folder: Path) -> dict[str, datetime]:
    """The creation time of each version in a folder; a damaged one counts as the oldest."""
    ages = {}
    for path in folder.glob("[!.]*/"):
        try:
            ages[path.name] = Manifest.read(path).created_at
        except BundleError:
            if (path / "manifest.json").exists():
                ages[path.name] = _OLDEST
    return ages
