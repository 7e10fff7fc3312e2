"""The cache of converted recordings: a folder of limited size. The files unused for longest go first."""

from __future__ import annotations

import contextlib
import fcntl
import os
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import IO

PART = ".part"
"""The suffix of a file that is being written. Its writer holds a lock on it, which ends with the process."""


class FileCache:
    """Files by name. Several processes may share the folder; a file that is being read may be removed."""

    def __init__(self, folder: Path, *, max_bytes: int) -> None:
        self._folder, self._max_bytes = folder, max_bytes
        self._lock = threading.Lock()

    def find(self, name: str) -> Path | None:
        """A finished file, which counts as used now."""
        path = self._folder / name
        try:
            os.utime(path)
        except OSError:
            return None
        return path

    @contextlib.contextmanager
    def writing(self, name: str) -> Iterator[tuple[Path, IO[bytes]]]:
        """A new file to write, and a reader of it that the caller closes.

        The file enters the cache when the block ends normally, and is removed after an error.

        Raises
        ------
        OSError
            The folder cannot be written to.
        """
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        part = self._folder / f"{name}.{os.getpid()}-{threading.get_ident()}{PART}"
        with part.open("wb") as locked:
            fcntl.flock(locked, fcntl.LOCK_EX)
            try:
                yield part, part.open("rb")
                part.replace(self._folder / name)
            finally:
                part.unlink(missing_ok=True)
        self.shrink()

    def shrink(self) -> int:
        """Remove abandoned parts, and the longest unused files beyond the limit; returns the bytes left."""
        with self._lock:
            files: list[tuple[float, int, Path]] = []
            with contextlib.suppress(OSError), os.scandir(self._folder) as entries:
                for entry in entries:
                    with contextlib.suppress(OSError):
                        if entry.name.endswith(PART):
                            _remove_abandoned(Path(entry.path))
                        elif entry.is_file(follow_symlinks=False):
                            status = entry.stat()
                            files.append((status.st_mtime, status.st_size, Path(entry.path)))
            total = sum(size for _, size, _ in files)
            for _, size, path in sorted(files):
                if total <= self._max_bytes:
                    break
                path.unlink(missing_ok=True)
                total -= size
            return total

    def size(self) -> int:
        """The bytes of the finished files."""
        total = 0
        with contextlib.suppress(OSError), os.scandir(self._folder) as entries:
            for entry in entries:
                with contextlib.suppress(OSError):
                    total += 0 if entry.name.endswith(PART) else entry.stat().st_size
        return total


def _remove_abandoned(part: Path) -> None:
    with part.open("rb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return
        part.unlink(missing_ok=True)
