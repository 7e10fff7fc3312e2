"""Removes the unfinished files that killed writers leave in a checkpoint.

Spark writes each file of a checkpoint under another name, `.<name>.<uuid>[.TID<task>].tmp`, and renames it.
A writer that is killed in between leaves the file, and nothing ever reads it. The state of a busy service has
dozens of such writes a second, so that frequent kills would fill the disk.
"""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Collection
from contextlib import suppress
from datetime import timedelta

import psutil
from pyarrow import fs

from segue.settings import SparkSettings
from segue.settings.checkpoint_location import scheme
from segue.spark.session import is_local
from segue.streaming_jobs.checkpoint_folder import Folder

log = logging.getLogger(__name__)
HERE = timedelta(minutes=1)
"""The age of a file that nobody on this machine has open, in a checkpoint that only this machine writes."""
ELSEWHERE = timedelta(days=1)
"""The age of a file whose writer may be on another machine: no write takes as long."""
_UNFINISHED = re.compile(r"^\..+\.[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}(\.TID\d+)?\.tmp(\.crc)?$")


def remove_unfinished(spark: SparkSettings) -> int:
    """Remove the unfinished files that no live writer owns from the checkpoint of the settings.

    A file on this machine's disk is removed if it is older than :data:`HERE` and no process has it open.
    On a disk that a cluster's machines share, it is removed when it is older than :data:`ELSEWHERE`. Other
    file systems are left alone.

    Returns
    -------
    int
        The number of removed files.
    """
    location, here = spark.checkpoint_location, is_local(spark.master)
    if scheme(location) != "file":
        return 0
    try:
        return remove(Folder(location), older_than=HERE if here else ELSEWHERE, here=here)
    except OSError as error:
        log.warning("unfinished files stay in the checkpoint: %s", error)
        return 0


def is_unfinished(name: str) -> bool:
    """Whether a file's name is one of those under which Spark writes a file."""
    return bool(_UNFINISHED.match(name))


def remove(checkpoint: Folder, *, older_than: timedelta, here: bool) -> int:
    """Remove the unfinished files of a checkpoint that were last written `older_than` ago.

    `here`: all writers are processes of this machine, whose open files can be seen.
    """
    selector = fs.FileSelector(checkpoint.path, recursive=True, allow_not_found=True)
    before = time.time() - older_than.total_seconds()
    found = [
        info.path
        for info in checkpoint.files.get_file_info(selector)
        if info.is_file and is_unfinished(info.base_name) and info.mtime.timestamp() < before
    ]
    opened = _opened(found) if here and found else set()
    removed = 0
    for path in found:
        if path not in opened:
            with suppress(FileNotFoundError):  # its writer has just renamed it
                checkpoint.files.delete_file(path)
                removed += 1
    if removed:
        log.info("removed %d unfinished files of killed writers from the checkpoint", removed)
    return removed


def _opened(paths: Collection[str]) -> set[str]:
    """Those of the files that a process of this machine has open."""
    wanted, opened = set(paths), set[str]()
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            opened |= wanted & {file.path for file in process.open_files()}
    return opened
