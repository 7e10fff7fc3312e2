"""Keeps the data of the tests' servers in memory: with a disk, they wait at each commit and new index."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

MEMORY = Path("/dev/shm")
_PREFIX = "segue-tests-"
_NEEDED = 1 << 30
"""Bytes; a mongod writes a third of this, and there are three or four servers."""


@contextmanager
def data_in_memory(folder: Path, *, memory: Path = MEMORY) -> Iterator[Path]:
    """Give a server's folder, with its data in memory where there is room, until the end of the block.

    The server's log stays in the folder itself.
    """
    if not _has_room(memory):
        yield folder
        return
    _remove_left_over(memory)
    data = Path(tempfile.mkdtemp(prefix=f"{_PREFIX}{os.getpid()}-", dir=memory))
    (folder / "data").symlink_to(data)
    try:
        yield folder
    finally:
        shutil.rmtree(data, ignore_errors=True)


def _has_room(memory: Path) -> bool:
    if not os.access(memory, os.W_OK):
        return False
    # The whole run has several servers, whose data grows later.
    return min(shutil.disk_usage(memory).free, psutil.virtual_memory().available) > 6 * _NEEDED


def _remove_left_over(memory: Path) -> None:
    """Remove the data of runs that were killed."""
    for left in memory.glob(f"{_PREFIX}*"):
        if not psutil.pid_exists(int(left.name.split("-")[2])):
            shutil.rmtree(left, ignore_errors=True)
