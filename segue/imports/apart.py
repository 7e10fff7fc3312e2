"""Imports in a process of their own, so that pages stay quick meanwhile.

The process is a new interpreter: one that multiprocessing starts would run the page's script again, which
Streamlit puts in the place of `__main__`.
"""

from __future__ import annotations

import pickle
import shutil
import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

from segue.errors import SegueError
from segue.imports.days import ImportedDays
from segue.imports.exports import Exports
from segue.imports.importing import Importer, Summary, preview
from segue.imports.libraries import SeenLibraries
from segue.local.stack import connected
from segue.settings import Settings
from segue.storage.store import open_store

Task = tuple[Settings, str, Path, Sequence[str] | None]
"""Settings, listener, folder, and the names to remember the import by; None instead of them for a preview."""


def _done(task: Task) -> Summary:
    given, user_id, folder, files = task
    settings = connected(given, kafka=False)
    store = open_store(settings)
    library = SeenLibraries(store, settings).of(user_id)
    exports = Exports([folder], most_bytes=settings.imports.max_size)
    if files is None:
        return preview(exports, library, there=ImportedDays(store).places(user_id))
    return Importer(store, user_id).run(exports, library, files=files)


class ImportProcesses:
    """Runs imports one after the other, each in a process."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._threads = ThreadPoolExecutor(1, thread_name_prefix="imports")

    def preview(self, user_id: str, folder: Path) -> Future[Summary]:
        """Read the exports in a folder, and remove the folder. As :func:`segue.imports.importing.preview`."""
        return self._threads.submit(_apart, (self._settings, user_id, folder, None))

    def run(self, user_id: str, folder: Path, *, files: Sequence[str]) -> Future[Summary]:
        """Import the exports in a folder, and remove the folder. As :meth:`Importer.run`."""
        return self._threads.submit(_apart, (self._settings, user_id, folder, list(files)))

    def close(self) -> None:
        """Start no further import; one that runs is completed."""
        self._threads.shutdown(wait=False, cancel_futures=True)


def _apart(task: Task) -> Summary:
    """The result of a task.

    Raises
    ------
    SegueError
        The message of the task's error.
    OSError
        The process failed.
    """
    try:
        done = subprocess.run(
            [sys.executable, "-P", "-m", "segue.imports.apart"],
            input=pickle.dumps(task),
            stdout=subprocess.PIPE,
            check=False,
        )
    finally:
        shutil.rmtree(task[2], ignore_errors=True)
    if done.returncode:
        raise OSError(f"the process of an import ended with status {done.returncode}")
    result = pickle.loads(done.stdout)
    if isinstance(result, SegueError):
        raise result
    assert isinstance(result, Summary)
    return result


def _main() -> None:
    """Read a task from standard input, and write its result, or its SegueError, to standard output."""
    result: Summary | SegueError
    try:
        result = _done(pickle.load(sys.stdin.buffer))
    except SegueError as error:
        result = SegueError(*error.args)
    sys.stdout.buffer.write(pickle.dumps(result))


if __name__ == "__main__":
    _main()
