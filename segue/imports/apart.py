"""Imports in a process of their own, so that pages stay quick meanwhile."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

from segue.imports.exports import Exports
from segue.imports.importing import Importer, Summary, preview
from segue.imports.libraries import SeenLibraries
from segue.local.stack import connected
from segue.processes import attach_to_parent
from segue.settings import Settings
from segue.storage.store import open_store


class ImportProcess:
    """Runs imports one after the other in one process, which starts with the first of them."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._pool = ProcessPoolExecutor(
            1, mp_context=get_context("forkserver"), initializer=attach_to_parent
        )

    def preview(self, user_id: str, folder: Path) -> Future[Summary]:
        """Read the exports in a folder, and remove the folder. As :func:`segue.imports.importing.preview`."""
        return self._pool.submit(_preview, self._settings, user_id, folder)

    def run(self, user_id: str, folder: Path, *, files: Sequence[str]) -> Future[Summary]:
        """Import the exports in a folder, and remove the folder. As :meth:`Importer.run`."""
        return self._pool.submit(_run, self._settings, user_id, folder, list(files))

    def close(self) -> None:
        """End the process; an import that runs is completed first."""
        self._pool.shutdown(cancel_futures=True)


def _preview(settings: Settings, user_id: str, folder: Path) -> Summary:
    try:
        library = SeenLibraries(open_store(connected(settings, kafka=False)), settings).of(user_id)
        return preview(Exports([folder], most_bytes=settings.imports.max_size), library)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _run(settings: Settings, user_id: str, folder: Path, files: Sequence[str]) -> Summary:
    try:
        store = open_store(connected(settings, kafka=False))
        library = SeenLibraries(store, settings).of(user_id)
        exports = Exports([folder], most_bytes=settings.imports.max_size)
        return Importer(store, user_id).run(exports, library, files=files)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
