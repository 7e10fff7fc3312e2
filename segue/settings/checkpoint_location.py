"""Where a checkpoint may lie.

A checkpoint is only safe if each file appears complete or not at all. Spark's usual managers write a file
under another name and rename it. That is atomic on a disk, NFS and HDFS; in an object store it is a copy.
"""

from __future__ import annotations

from urllib.parse import urlsplit

MANAGER = "spark.sql.streaming.checkpointFileManagerClass"
SAFE_MANAGER = "org.apache.spark.internal.io.cloud.AbortableStreamBasedCheckpointFileManager"
"""Writes to the final name and aborts the upload on an error; from the library spark-hadoop-cloud."""
_RENAMING = {"FileContextBasedCheckpointFileManager", "FileSystemBasedCheckpointFileManager"}
_UNFIT = {"ftp", "sftp", "http", "https", "har"}
"""File systems of Hadoop that replace a file in several steps, or write none."""
_OBJECT_STORES = {"s3", "s3a", "s3n", "gs", "oss", "obs", "cosn", "wasb", "wasbs", "swift"}


def scheme(location: str) -> str:
    """The scheme of a checkpoint's location; `file` for a plain path."""
    return urlsplit(location).scheme.lower() or "file"


def loses_files(location: str, manager: str | None) -> bool:
    """Whether a manager (None: Spark's default) would rename files in an object store."""
    renames = manager is None or manager.rpartition(".")[2] in _RENAMING
    return renames and scheme(location) in _OBJECT_STORES


def is_unfit(location: str) -> bool:
    """Whether no manager writes files there that appear complete or not at all."""
    return scheme(location) in _UNFIT
