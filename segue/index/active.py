"""The bundle in use: follows the published version, and keeps the former bundle if the new one is unfit."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from segue.errors import SegueError
from segue.index.bundle import Bundle, BundleError
from segue.index.published import KIND, PublishedBundles
from segue.models.versions import ActiveVersion
from segue.storage.store import Store

log = logging.getLogger(__name__)


class ActiveBundle(ActiveVersion[Bundle]):
    """The published bundle, mapped on this machine."""

    kind = KIND
    unfit = (BundleError,)

    def __init__(self, store: Store, *, folder: str, every: float = 0.5) -> None:
        super().__init__(store, every=every)
        self._folder = folder

    def earlier(self, version: str) -> Sequence[str]:
        """The bundles that were built before a version."""
        return PublishedBundles(self.store).earlier(version)

    def read(self, version: str | None) -> Bundle:
        """Fetch a version and map it.

        Raises
        ------
        SegueError
            Nothing has been published yet.
        BundleError
            The bundle is unfit.
        """
        if version is None:
            raise SegueError("no index has been published: run ./run.sh index build")
        bundle = PublishedBundles(self.store).load(version, folder=self._folder)
        if self.version is not None:
            log.info("index %s replaces %s", version, self.version)
        return bundle
