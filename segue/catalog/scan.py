"""Finds the audio files below a folder."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from segue.catalog.rejected import RejectedFile

SUFFIXES = frozenset({".mp3", ".ogg", ".oga", ".flac", ".m4a", ".wav", ".opus", ".aac"})
"""The suffixes of audio files; the contents are checked when a file is read."""


@dataclass(frozen=True, kw_only=True)
class AudioFile:
    path: str
    """Absolute."""
    relative: PurePosixPath
    """Relative to the library's folder."""
    size: int
    modified_ns: int


def scan(root: Path) -> Iterator[AudioFile | RejectedFile]:
    """Walk a folder and its subfolders, in an order that depends on the names only.

    The scan follows links to folders, after all real folders, and enters no folder twice. Names that begin
    with "._" are macOS's metadata files, not music.

    Yields
    ------
    Each audio file; a file or folder that cannot be read has the reason "unreadable", "symlink-loop",
    "not-a-file" or "bad-name".
    """
    seen: set[tuple[int, int]] = set()
    folders = [root.absolute()]
    links: list[Path] = []
    top = folders[0]
    while folders or links:
        folder = folders.pop() if folders else links.pop(0)
        try:
            status = folder.stat()
            if (status.st_dev, status.st_ino) in seen:
                if folder.is_symlink() and _holds(folder, Path(folder.parent)):
                    yield _rejected(folder, "symlink-loop", f"leads back to {os.path.realpath(folder)}")
                continue
            seen.add((status.st_dev, status.st_ino))
            entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
        except OSError as error:
            yield _rejected(folder, "unreadable", error.strerror or str(error))
            continue
        inside: list[Path] = []
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                inside.append(Path(entry.path))
            elif entry.is_symlink() and _is_folder(entry):
                links.append(Path(entry.path))
            elif Path(entry.name).suffix.lower() in SUFFIXES and not entry.name.startswith("._"):
                yield _file(Path(entry.path), top)
        folders.extend(reversed(inside))


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link to itself
        return False


def _holds(link: Path, folder: Path) -> bool:
    """Whether a link leads to `folder` or to a parent of it."""
    return Path(os.path.realpath(folder)).is_relative_to(os.path.realpath(link))


def _file(path: Path, top: Path) -> AudioFile | RejectedFile:
    try:
        str(path).encode("utf-8")
    except UnicodeEncodeError:
        return _rejected(path, "bad-name", "its name is not UTF-8: rename it")
    try:
        status = path.stat()
    except OSError as error:
        loop = path.is_symlink() and error.errno == 40
        return _rejected(path, "symlink-loop" if loop else "unreadable", error.strerror or str(error))
    if not stat.S_ISREG(status.st_mode):
        return _rejected(path, "not-a-file", "neither a file nor a link to one")
    return AudioFile(
        path=str(path),
        relative=PurePosixPath(path.relative_to(top).as_posix()),
        size=status.st_size,
        modified_ns=status.st_mtime_ns,
    )


def _rejected(path: Path, reason: str, detail: str) -> RejectedFile:
    return RejectedFile(path=shown(path), reason=reason, detail=detail)


def shown(path: Path | str) -> str:
    """A path as text that can be stored: bytes that are not UTF-8 become escapes."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")
