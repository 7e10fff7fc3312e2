"""The classes with which Spark writes the files of a checkpoint, by file system.

A checkpoint is only safe if each file appears complete or not at all. Spark's usual managers write a file
under another name and rename it. That is atomic on a disk, NFS and HDFS; in an object store it is a copy.
"""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlsplit

from segue.errors import SegueError

MANAGER = "spark.sql.streaming.checkpointFileManagerClass"
_PACKAGE = "org.apache.spark.sql.execution.streaming.checkpointing"
_RENAMING = {"FileContextBasedCheckpointFileManager", "FileSystemBasedCheckpointFileManager"}
_ABORTING = "org.apache.spark.internal.io.cloud.AbortableStreamBasedCheckpointFileManager"
"""Writes to the final name and aborts the upload on an error; from the library spark-hadoop-cloud."""
_OBJECT_STORES = {"s3", "s3a", "s3n", "gs", "oss", "obs", "cosn", "wasb", "wasbs", "swift"}
BARE_FILE_SYSTEM = "com.globalmentor.apache.hadoop.fs.BareLocalFileSystem"

LOW_LATENCY: Mapping[str, str] = {
    MANAGER: f"{_PACKAGE}.FileSystemBasedCheckpointFileManager",
    "spark.hadoop.fs.file.impl": BARE_FILE_SYSTEM,
    "spark.sql.streaming.checkpoint.fileChecksum.enabled": "false",
}
"""For a checkpoint on the driver's own disk: no process and no second file for each file (decision 0004)."""


def scheme(location: str) -> str:
    """The scheme of a checkpoint's location; `file` for a plain path."""
    return urlsplit(location).scheme.lower() or "file"


def checkpoint_defaults(location: str, *, local: bool, bare: bool = True) -> dict[str, str]:
    """Segue's defaults for the files of a checkpoint; empty where Spark's own are right.

    Parameters
    ----------
    location
        A path, or an address with a scheme.
    local
        Whether the driver does all the work. A cluster's machines share a disk over the network, for which
        Spark's own manager and checksums are right.
    bare
        Whether the class :data:`BARE_FILE_SYSTEM` is on the class path.
    """
    if not local or scheme(location) != "file":
        return {}
    return {key: value for key, value in LOW_LATENCY.items() if bare or value != BARE_FILE_SYSTEM}


def refuse_unsafe(location: str, values: Mapping[str, str]) -> None:
    """Check that the files of the checkpoint appear complete or not at all.

    Raises
    ------
    SegueError
        The checkpoint is in an object store, where its files would be renamed.
    """
    manager = values.get(MANAGER, "FileContextBasedCheckpointFileManager").rpartition(".")[2]
    if scheme(location) in _OBJECT_STORES and manager in _RENAMING:
        raise SegueError(
            f"the checkpoint {location} is in an object store, which cannot rename a file in one step: "
            f"set {MANAGER} to {_ABORTING} (from spark-hadoop-cloud; it works with s3a), "
            "or spark.checkpoint_location to HDFS or a shared disk"
        )
