"""A folder for the temporary files of a process. The folders of killed processes are removed.

A killed driver leaves the folders of its Spark session and the libraries that its JVM has unpacked, some
megabytes each time. The owner of a folder holds a lock on it, which the system releases however the process
ends. Unlike a process id, the lock is also right between containers that share the disk.
"""

from __future__ import annotations

import fcntl
import functools
import logging
import os
import shutil
import uuid
from pathlib import Path
from typing import IO

from segue.counted import counted
from segue.local.process import RUN, locked

FOLDER = RUN / "scratch"
_LOCK = "owner.lock"
log = logging.getLogger(__name__)
_held: list[IO[str]] = []
"""The locks of this process, held until its end."""


@functools.cache
def scratch(folder: Path = FOLDER) -> Path:
    """The folder of this process below `folder`; those of processes that have ended are removed first.

    Raises
    ------
    OSError
        The folder is not writable.
    """
    with locked(folder.with_name(f"{folder.name}.lock")):
        if removed := _remove_abandoned(folder):
            log.info("removed the temporary files of ended processes: %s", counted(removed, "folder"))
        own = folder / f"{os.getpid()}-{uuid.uuid4().hex[:8]}"
        own.mkdir(parents=True)
        lock = (own / _LOCK).open("w")
        fcntl.flock(lock, fcntl.LOCK_EX)
        _held.append(lock)
    return own


def _remove_abandoned(folder: Path) -> int:
    """Remove the folders without a living owner; returns their number."""
    found = [entry for entry in folder.glob("*") if entry.is_dir() and not _is_owned(entry)]
    for entry in found:
        shutil.rmtree(entry, ignore_errors=True)
    return len(found)


def _is_owned(entry: Path) -> bool:
    try:
        with (entry / _LOCK).open() as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except FileNotFoundError:  # an interrupted removal
        return False
    return False
