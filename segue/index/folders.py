"""Folders that appear complete or not at all, and are removed only when no process uses them."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import time
import uuid
import weakref
from collections.abc import Iterator
from pathlib import Path

from segue.disk import sync

LOCK = "lock"
"""A reader locks this file of a folder (shared) for as long as it reads."""
_UNFINISHED = ".unfinished"
_REMOVED = ".removed"
_DAMAGED = ".damaged"
_LEFT_OVER_SECONDS = 24 * 3600


@contextlib.contextmanager
def appearing(path: Path) -> Iterator[Path]:
    """Create a folder: the body fills a temporary folder, which then gets the name `path` in one step.

    If the body fails, nothing remains. If the process is killed, a hidden folder remains for
    :func:`remove_left_overs`. If another process was first, its folder stays and this one is removed.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.parent / f".{path.name}.{uuid.uuid4().hex[:8]}{_UNFINISHED}"
    temporary.mkdir()
    try:
        (temporary / LOCK).touch()
        yield temporary
        for file in temporary.iterdir():
            sync(file)
        sync(temporary)
        try:
            temporary.rename(path)
        except OSError:
            if not path.is_dir():  # otherwise another process was first
                raise
        sync(path.parent)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


class Hold:
    """Protects a folder from removal until it is closed or collected, or its process ends.

    Raises
    ------
    OSError
        There is no such folder, or it has just been removed.
    """

    def __init__(self, folder: Path) -> None:
        lock = (folder / LOCK).open("rb")
        self.close = weakref.finalize(self, lock.close)
        try:
            fcntl.flock(lock, fcntl.LOCK_SH)
            if os.fstat(lock.fileno()).st_nlink == 0 or not folder.exists():
                raise FileNotFoundError(f"{folder} has just been removed")
        except BaseException:  # Ctrl-C too: an open lock would protect the folder
            self.close()
            raise


def remove_unless_held(folder: Path) -> bool:
    """Remove a folder, in one step for its readers; False if a process holds it."""
    try:
        lock = (folder / LOCK).open("rb")
    except FileNotFoundError:
        remove_now(folder)
        return True
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        remove_now(folder)
    return True


def put_aside(folder: Path) -> Path | None:
    """Give a damaged folder a hidden name, under which it stays for a day; None if it is gone.

    A process can still read the files that it has mapped.
    """
    aside = folder.parent / f".{folder.name}.{uuid.uuid4().hex[:8]}{_DAMAGED}"
    try:
        folder.rename(aside)
    except FileNotFoundError:
        return None
    with contextlib.suppress(OSError):
        os.utime(aside)  # the day begins now
    return aside


def put_back(aside: Path, folder: Path) -> None:
    """Give a folder that was put aside its name again, unless another has taken the name."""
    with contextlib.suppress(OSError):
        aside.rename(folder)


def remove_now(folder: Path) -> None:
    """Remove a folder even if it is held: a process can still read the files that it has mapped."""
    removed = folder.parent / f".{folder.name}.{uuid.uuid4().hex[:8]}{_REMOVED}"
    try:
        folder.rename(removed)
    except FileNotFoundError:
        return
    shutil.rmtree(removed, ignore_errors=True)


def remove_left_overs(parent: Path) -> None:
    """Remove folders that are a day old: damaged ones, and those that killed processes left in `parent`."""
    for folder in parent.glob(".*"):
        if folder.suffix in (_UNFINISHED, _REMOVED, _DAMAGED):
            with contextlib.suppress(FileNotFoundError):
                if time.time() - folder.stat().st_mtime > _LEFT_OVER_SECONDS:
                    if folder.is_dir():
                        shutil.rmtree(folder, ignore_errors=True)
                    else:
                        folder.unlink()
