"""The bundle in use: follows what is published, and stays with the old one when the new one is unfit."""

from __future__ import annotations

import contextlib
import logging
import time

from pymongo.database import Database

from segue.errors import SegueError
from segue.index.bundle import Bundle, BundleError
from segue.index.publish import fetch_bundle
from segue.models.versions import Models
from segue.storage.mongo import Document, Unreachable
from segue.storage.store import Store

log = logging.getLogger(__name__)
_RETRY_SECONDS = 30.0
"""A refused version may be put right under its name; so often that is looked at."""


class ActiveBundle:
    """Gives the published bundle, and looks at most every `every` seconds whether there is a newer one."""

    def __init__(self, database: Database[Document], *, folder: str, every: float = 0.5) -> None:
        self._database, self._folder, self._every = database, folder, every
        self._bundle: Bundle | None = None
        self._refused: str | None = None
        self._looked = self._retry_at = float("-inf")

    def current(self) -> Bundle:
        """The bundle to use now.

        Raises
        ------
        SegueError
            Nothing has been published yet, or the first bundle is unfit.
        Unreachable
            MongoDB is away, and there is no bundle yet.
        """
        if self._bundle is None:
            self._follow()
        elif time.monotonic() - self._looked >= self._every:
            # While MongoDB is away the old one serves on; whoever writes to MongoDB next waits for it.
            with contextlib.suppress(*Unreachable):
                self._follow()
        self._looked = time.monotonic()
        assert self._bundle is not None
        return self._bundle

    @property
    def refused(self) -> str | None:
        """The version that was published but is unfit, for the operator; None when all is well."""
        return self._refused

    def _follow(self) -> None:
        version = Models(Store(self._database)).active_version("index")
        if version is None:
            raise SegueError("no index has been published: run ./run.sh index")
        if self._bundle and version == self._bundle.version:
            self._refused = None
            return
        if version == self._refused and time.monotonic() < self._retry_at:
            return
        try:
            newer = fetch_bundle(self._database, version, folder=self._folder)
        except BundleError as error:
            if self._bundle is None:
                raise
            if version != self._refused:
                log.error("index %s is refused, %s serves on: %s", version, self._bundle.version, error)
            self._refused, self._retry_at = version, time.monotonic() + _RETRY_SECONDS
            return
        if self._bundle is not None:
            log.info("index %s takes over from %s", newer.version, self._bundle.version)
        self._bundle, self._refused = newer, None
