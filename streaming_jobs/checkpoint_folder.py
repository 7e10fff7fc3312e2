"""The folder of a checkpoint: its files, and their moves with Hadoop's checksums of them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from pyarrow import fs

from segue.errors import SegueError

ASIDE = "damaged"
"""The folder in the checkpoint to which a repair moves files; Spark does not read it."""


class Files(Protocol):
    """The files of a checkpoint, by their paths in it."""

    path: str
    """The checkpoint's location."""

    def names(self, path: str = "") -> list[str]:
        """The names in a subfolder; empty if it does not exist."""
        ...

    def folders(self, path: str = "") -> list[str]:
        """The paths of all folders below `path`, and itself."""
        ...

    def read(self, path: str) -> bytes:
        """The bytes of a file; empty if it does not exist."""
        ...

    def write(self, path: str, content: bytes) -> None:
        """Write a new file completely or not at all."""
        ...

    def replace(self, path: str, content: bytes) -> None:
        """Write a file, and remove its former content with the checksums of it."""
        ...

    def move(self, path: str, *, into: str) -> None:
        """Move a file, with Hadoop's checksums of it, into a folder below this one, keeping its path."""
        ...

    def has(self, path: str) -> bool:
        """Whether a file or a folder exists."""
        ...


class Folder:
    """:class:`Files` for the file systems that pyarrow knows; Spark need not run."""

    def __init__(self, location: str) -> None:
        self.files, self.path = fs.FileSystem.from_uri(location)

    def names(self, path: str = "") -> list[str]:
        """The names in a subfolder; empty if it does not exist."""
        selector = fs.FileSelector(self._at(path), allow_not_found=True)
        with self._readable(path):
            return sorted(info.base_name for info in self.files.get_file_info(selector))

    def folders(self, path: str = "") -> list[str]:
        """The paths of all folders below `path`, and itself."""
        selector = fs.FileSelector(self._at(path), recursive=True, allow_not_found=True)
        below = [info.path for info in self.files.get_file_info(selector) if not info.is_file]
        return [path, *(name[len(self.path) :].strip("/") for name in sorted(below))]

    def read(self, path: str) -> bytes:
        """The bytes of a file; empty if it does not exist."""
        try:
            with self._readable(path), self.files.open_input_stream(self._at(path)) as stream:
                content: bytes = stream.read()
                return content
        except FileNotFoundError:
            return b""

    def write(self, path: str, content: bytes) -> None:
        """Write a new file completely or not at all."""
        part = self._at(f"{path}.part")
        self.files.create_dir(part.rpartition("/")[0], recursive=True)
        with self.files.open_output_stream(part) as stream:
            stream.write(content)
        self.files.move(part, self._at(path))

    def replace(self, path: str, content: bytes) -> None:
        """Write a file, and remove its former content with the checksums of it."""
        if self.has(sums(path)):
            self.files.delete_file(self._at(sums(path)))
        self.write(path, content)

    def move(self, path: str, *, into: str) -> None:
        """Move a file, with Hadoop's checksums of it, into a folder below this one, keeping its path."""
        for name in (path, sums(path)):
            if self.has(name):
                target = self._at(f"{into}/{name}")
                self.files.create_dir(target.rpartition("/")[0], recursive=True)
                self.files.move(self._at(name), target)

    def has(self, path: str) -> bool:
        """Whether a file or a folder exists."""
        return bool(self.files.get_file_info(self._at(path)).type != fs.FileType.NotFound)

    @contextmanager
    def _readable(self, path: str) -> Iterator[None]:
        """Name a file or folder that a broken disk or its permissions do not let this process read.

        It is not damage that a repair may move away: the content may be sound.
        """
        try:
            yield
        except FileNotFoundError:
            raise
        except OSError as error:
            raise SegueError(
                f"{self._at(path)} in the checkpoint cannot be read ({error}): check the disk and the "
                "permissions of the folder; without it, set spark.checkpoint_location to a new folder"
            ) from error

    def _at(self, path: str) -> str:
        return f"{self.path}/{path}" if path else str(self.path)


def sums(path: str) -> str:
    """The file beside `path` in which Hadoop keeps its checksums, if it keeps any."""
    folder, _, name = path.rpartition("/")
    return f"{folder}/.{name}.crc"
