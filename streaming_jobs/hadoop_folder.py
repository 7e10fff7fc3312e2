"""The folder of a checkpoint on a file system that only Spark reaches, such as s3a://."""

from __future__ import annotations

from typing import Any

from pyspark.sql import SparkSession

from segue.settings.checkpoint_location import scheme
from segue.streaming_jobs.checkpoint_folder import Files, Folder


def checkpoint_folder(spark: SparkSession, location: str) -> Files:
    """The files of a checkpoint at any location that the session can use."""
    return Folder(location) if scheme(location) == "file" else HadoopFolder(spark, location)


class HadoopFolder:
    """:class:`~segue.streaming_jobs.checkpoint_folder.Files` by Hadoop's file systems."""

    def __init__(self, spark: SparkSession, location: str) -> None:
        jvm = spark._jvm
        assert jvm is not None
        self._jvm, self.path = jvm, location.rstrip("/")
        self._files = self._at("").getFileSystem(spark._jsparkSession.sessionState().newHadoopConf())

    def names(self, path: str = "") -> list[str]:
        """As in the protocol."""
        return sorted(status.getPath().getName() for status in self._list(path))

    def folders(self, path: str = "") -> list[str]:
        """As in the protocol."""
        below = [
            folder
            for status in self._list(path)
            if status.isDirectory()
            for folder in self.folders(f"{path}/{status.getPath().getName()}".strip("/"))
        ]
        return [path, *sorted(below)]

    def read(self, path: str) -> bytes:
        """As in the protocol."""
        if not self.has(path):
            return b""
        stream = self._files.open(self._at(path))
        try:
            return bytes(self._jvm.org.apache.commons.io.IOUtils.toByteArray(stream))
        finally:
            stream.close()

    def write(self, path: str, content: bytes) -> None:
        """As in the protocol."""
        self.replace(path, content)

    def replace(self, path: str, content: bytes) -> None:
        """As in the protocol; an interruption can leave a part of the file, which a repair finds."""
        stream = self._files.create(self._at(path), True)
        try:
            stream.write(bytearray(content))
        finally:
            stream.close()

    def move(self, path: str, *, into: str) -> None:
        """As in the protocol. Hadoop moves its checksums with the file."""
        if self.has(path):
            target = self._at(f"{into}/{path}")
            self._files.mkdirs(target.getParent())
            self._files.rename(self._at(path), target)

    def has(self, path: str) -> bool:
        """As in the protocol."""
        return bool(self._files.exists(self._at(path)))

    def _list(self, path: str) -> list[Any]:
        return list(self._files.listStatus(self._at(path))) if self.has(path) else []

    def _at(self, path: str) -> Any:
        return self._jvm.org.apache.hadoop.fs.Path(f"{self.path}/{path}" if path else self.path)
