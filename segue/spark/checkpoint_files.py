"""The classes with which Spark writes the files of a checkpoint, by file system."""

from __future__ import annotations

from collections.abc import Mapping

from segue.errors import SegueError
from segue.settings.checkpoint_location import (
    MANAGER,
    SAFE_MANAGER,
    is_unfit,
    loses_files,
    scheme,
)

_PACKAGE = "org.apache.spark.sql.execution.streaming.checkpointing"
BARE_FILE_SYSTEM = "com.globalmentor.apache.hadoop.fs.BareLocalFileSystem"

LOW_LATENCY: Mapping[str, str] = {
    MANAGER: f"{_PACKAGE}.FileSystemBasedCheckpointFileManager",
    "spark.hadoop.fs.file.impl": BARE_FILE_SYSTEM,
    "spark.sql.streaming.checkpoint.fileChecksum.enabled": "false",
}
"""For a checkpoint on the driver's own disk: no process and no second file for each file (decision 0004)."""


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
        The checkpoint is in an object store, where its files would be renamed, or on a server for files
        such as FTP, which no manager writes to safely.
    """
    if is_unfit(location):
        raise SegueError(
            f"the checkpoint {location} is at {scheme(location)}:, where a file can be left half written: "
            "set spark.checkpoint_location to a disk, HDFS, or an object store with "
            f"{MANAGER}={SAFE_MANAGER}"
        )
    if loses_files(location, values.get(MANAGER)):
        raise SegueError(
            f"the checkpoint {location} is in an object store, which cannot rename a file in one step: "
            f"set {MANAGER} to {SAFE_MANAGER} (from spark-hadoop-cloud; it works with s3a), "
            "or spark.checkpoint_location to HDFS or a shared disk"
        )
