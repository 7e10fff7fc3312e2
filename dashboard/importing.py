"""Listeners' imports of their history, which run in a process beside the pages."""

from __future__ import annotations

import logging
import tempfile
import threading
from collections.abc import Sequence
from concurrent.futures import CancelledError, Future
from pathlib import Path, PurePath
from typing import Protocol

from segue.errors import SegueError
from segue.imports.apart import ImportProcesses
from segue.imports.importing import Summary
from segue.phrases import marked
from segue.settings import Settings

log = logging.getLogger(__name__)
BUSY = marked("Another import is running. Try again when it has ended.")
FAILED = marked("The files could not be read. Try again, or ask the person who runs this server.")
_MOST_WAITING = 8
_PREVIEW_SECONDS = 600


class Uploaded(Protocol):
    """A file from a browser."""

    name: str

    def getvalue(self) -> bytes: ...


class Importing:
    """Previews and imports of all listeners of this dashboard, one after the other. Thread-safe."""

    def __init__(self, settings: Settings) -> None:
        self._processes = ImportProcesses(settings)
        self._lock = threading.Lock()
        self._running: dict[str, Future[Summary]] = {}
        self._waiting: set[str] = set()
        """The listeners whose previews run or wait."""

    def preview(self, user_id: str, files: Sequence[Uploaded]) -> Summary:
        """The result that importing the files would have.

        Raises
        ------
        SegueError
            The files have no plays or cannot be read, another preview of the listener runs, or too many
            listeners import at once. The message is for the listener.
        """
        with self._lock:
            if user_id in self._waiting or len(self._waiting) >= _MOST_WAITING:
                raise SegueError(BUSY)
            self._waiting.add(user_id)
        try:
            return self._processes.preview(user_id, _written(files)).result(_PREVIEW_SECONDS)
        except (CancelledError, TimeoutError, OSError) as error:
            log.error("an import has failed: %s: %s", type(error).__name__, error)
            raise SegueError(FAILED) from None
        finally:
            with self._lock:
                self._waiting.discard(user_id)

    def start(self, user_id: str, files: Sequence[Uploaded]) -> None:
        """Begin to import files; `imports` has the progress.

        Raises
        ------
        SegueError
            An import of the listener is running, or it cannot start. The message is for the listener.
        """
        if self.is_running(user_id):
            raise SegueError(BUSY)
        names = [PurePath(file.name).name for file in files]
        try:
            running = self._processes.run(user_id, _written(files), files=names)
        except (OSError, RuntimeError) as error:
            log.error("an import has failed: %s: %s", type(error).__name__, error)
            raise SegueError(FAILED) from None
        running.add_done_callback(_logged)
        with self._lock:
            self._running[user_id] = running

    def is_running(self, user_id: str) -> bool:
        """Whether an import of the listener runs, or waits for that of another one."""
        with self._lock:
            running = self._running.get(user_id)
            if running is not None and running.done():
                del self._running[user_id]
                return False
            return running is not None

    def close(self) -> None:
        """Start no further import."""
        self._processes.close()


def _written(files: Sequence[Uploaded]) -> Path:
    """The files in a new folder."""
    folder = Path(tempfile.mkdtemp(prefix="segue-import-"))
    for number, file in enumerate(files):
        own = folder / str(number)
        own.mkdir()
        (own / _safe(file.name)).write_bytes(file.getvalue())
    return folder


def _safe(name: str) -> str:
    """A file name for this machine that a person recognises."""
    kept = "".join(letter for letter in PurePath(name).name if letter.isprintable() and letter not in "/\\")
    return kept.encode("utf-8", "ignore")[-100:].decode("utf-8", "ignore").lstrip(".") or "export"


def _logged(done: Future[Summary]) -> None:
    if not done.cancelled() and (error := done.exception()) is not None:
        log.warning("an import has failed: %s", error)
