"""Finds the audio files below a folder."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from segue.catalog.cue_songs import CueSong, songs_by_file
from segue.catalog.file_names import is_disc
from segue.catalog.left_out import Patterns, is_left_out, leads_back
from segue.catalog.lyrics_files import SUFFIXES as LYRICS
from segue.catalog.lyrics_files import LyricsFile, files_by_recording
from segue.catalog.pictures import SUFFIXES as PICTURES
from segue.catalog.pictures import digest_of
from segue.catalog.rejected import RejectedFile
from segue.catalog.stored_paths import path_to_open, shown, stored_path
from segue.catalog.text_encoding import AUTO
from segue.catalog.track import without_compression

SUFFIXES = frozenset(
    {
        ".mp3", ".mp2", ".ogg", ".oga", ".opus", ".spx", ".flac", ".m4a", ".m4b", ".aac", ".wav", ".w64",
        ".aif", ".aiff", ".aifc", ".caf", ".wma", ".wv", ".ape", ".mpc", ".tta", ".dsf", ".dff",
        ".mka", ".ac3", ".amr", ".au",
    }
)  # fmt: skip
"""The suffixes of audio files; the contents are checked when a file is read."""
FORMATS = ", ".join(sorted(suffix[1:] for suffix in SUFFIXES))
"""The suffixes in words, for the help of commands."""
PERHAPS_VIDEO = frozenset({".webm", ".mp4", ".mkv", ".ogv", ".mov", ".3gp"})
"""Containers of video that may have audio alone; these are read, and rejected if they have video."""
UNSUPPORTED = frozenset(
    {".mid", ".midi", ".kar", ".mod", ".xm", ".it", ".s3m", ".ra", ".rm", ".ram", ".shn", ".ofr", ".tak",
     ".la", ".m4p", ".aa", ".aax", ".iso", ".sid", ".spc", ".nsf", ".dts", ".alac", ".8svx", ".voc", ".gsm",
     ".vqf"}
)  # fmt: skip
"""Suffixes of audio that Segue cannot read: such files are counted and named."""
CUE = ".cue"
LATEST_NS = 2**63 - 1
"""MongoDB's largest integer; a later time, from a damaged folder, becomes this one."""


@dataclass(frozen=True, kw_only=True)
class AudioFile:
    path: str
    """Absolute, as :mod:`segue.catalog.stored_paths` stores it."""
    relative: PurePosixPath
    """Relative to the library's folder, in the same form."""
    size: int
    modified_ns: int
    """Time of the last change of the contents, nanoseconds since 1970, within 64 bits."""
    changed_ns: int = 0
    """Time of the last change of contents or name, as the file system notes it; programs cannot set it."""
    inode: int = 0
    device: int = 0
    """The number of its file system while that is mounted."""
    lyrics: tuple[LyricsFile, ...] = ()
    """The files with its lyrics."""
    cue: CueSong | None = None
    """The song that is a part of the file; None for the whole file."""
    pictures: str | None = None
    """A digest of the pictures in its folder, and of those in the folder above for a disc's folder."""
    area: str = ""
    """The name of the folder, for a file of a library's further folders; empty for those of its first."""

    @property
    def within(self) -> PurePosixPath:
        """The path within the library, from which the track's id is made.

        No file of the first folder has such a path as those of the further folders.
        """
        return PurePosixPath("..", self.area, self.relative) if self.area else self.relative

    def part(self, song: CueSong) -> AudioFile:
        """The file as one of its songs, with a path below its own, which no file can have."""
        relative = without_compression(self.relative) / f"{song.number:02d}"
        return replace(self, relative=relative, cue=song, lyrics=())  # these are of the whole recording


def is_settled(file: AudioFile, settle_time: timedelta, *, now_ns: int) -> bool:
    """Whether a file has not changed for a time; a date in the future beyond that time does not count."""
    span = settle_time // timedelta(microseconds=1) * 1000
    return not any(abs(now_ns - at) < span for at in (file.modified_ns, file.changed_ns))


def scan(root: Path, *, encoding: str = AUTO) -> Iterator[AudioFile | RejectedFile]:
    """Walk a folder and its subfolders, in an order that depends on the names only.

    The scan follows links to folders, after all real folders, and enters no folder twice. A link to a folder
    above itself is not followed, even above `root`: Wine has one to "/" in each of its prefixes. Left out are
    hidden folders, recycle bins, snapshots, macOS's metadata files, and the files that .segueignore names.

    Parameters
    ----------
    encoding
        The encoding of CUE sheets that are not Unicode, or "auto".

    Yields
    ------
    Each audio file, or each song of one that a CUE sheet beside it divides. A file or folder that cannot be
    read has the reason "unreadable", "symlink-loop" or "not-a-file"; one with the suffix of audio that Segue
    cannot read has "unsupported". A CUE sheet that cannot be used has "invalid-cue" or "cue-without-file".
    """
    top = root.absolute()
    seen: set[tuple[int, int]] = set()
    folders = [_Folder(top, Patterns())]
    links: list[_Folder] = []
    while folders or links:
        folder = folders.pop() if folders else links.pop(0)
        try:
            if folder.linked and leads_back(folder.path):
                detail = f"leads back to {os.path.realpath(folder.path)}"
                yield _rejected(folder.path, "symlink-loop", detail)
                continue
            status = folder.path.stat()
            if (status.st_dev, status.st_ino) in seen:
                continue
            seen.add((status.st_dev, status.st_ino))
            entries = sorted(os.scandir(folder.path), key=lambda entry: entry.name)
            patterns = folder.patterns.within(folder.path, {entry.name for entry in entries})
        except OSError as error:
            yield _rejected(folder.path, "unreadable", error.strerror or str(error))
            continue
        if patterns is None:
            continue
        found = _Contents(PurePosixPath(stored_path(folder.path.relative_to(top))))
        pictures = [entry for entry in entries if PurePosixPath(entry.name).suffix.lower() in PICTURES]
        beside = digest_of(pictures) if pictures else None
        above = folder.pictures if is_disc(folder.path.name) else None
        for entry in entries:
            is_folder = _is_folder(entry)
            if is_left_out(entry.name, is_folder=is_folder) or (
                patterns.any and patterns.match(Path(entry.path), is_folder=is_folder)
            ):
                continue
            if is_folder:
                inner = _Folder(Path(entry.path), patterns, linked=entry.is_symlink(), pictures=beside)
                (links if inner.linked else found.folders).append(inner)
            else:
                found.add(entry)
        for item in found.divided(encoding):
            picture = beside or above
            yield replace(item, pictures=picture) if picture and isinstance(item, AudioFile) else item
        folders.extend(reversed(found.folders))


@dataclass(frozen=True)
class _Contents:
    """The contents of a folder."""

    relative: PurePosixPath
    """The folder within the library."""
    names: list[str] = field(default_factory=list)
    """The names of the audio files."""
    folders: list[_Folder] = field(default_factory=list)
    items: list[AudioFile | RejectedFile] = field(default_factory=list)
    sheets: list[Path] = field(default_factory=list)
    lyrics: list[Path] = field(default_factory=list)

    def add(self, entry: os.DirEntry[str]) -> None:
        suffix = PurePosixPath(entry.name).suffix.lower()
        if suffix == CUE:
            self.sheets.append(Path(entry.path))
        elif suffix in LYRICS:
            self.lyrics.append(Path(entry.path))
        elif suffix in UNSUPPORTED:
            detail = f"files with the suffix {suffix} cannot be read"
            self.items.append(_rejected(Path(entry.path), "unsupported", detail))
        elif suffix in SUFFIXES or suffix in PERHAPS_VIDEO:
            item = _file(entry, self.relative)
            self.items.append(item)
            if isinstance(item, AudioFile):
                self.names.append(entry.name)

    def divided(self, encoding: str) -> Iterator[AudioFile | RejectedFile]:
        """The items, with its songs in place of each file that a sheet divides, and with their lyrics."""
        if not self.sheets and not self.lyrics:
            yield from self.items
            return
        songs, rejected = songs_by_file(set(self.names), self.sheets, encoding=encoding)
        lyrics = files_by_recording(self.names, self.lyrics)
        for item in self.items:
            if isinstance(item, RejectedFile):
                yield item
                continue
            name = path_to_open(item.path).name
            if name in songs:
                yield from map(item.part, songs[name])
            else:
                yield replace(item, lyrics=lyrics[name]) if name in lyrics else item
        yield from rejected


class _Folder(NamedTuple):
    path: Path
    patterns: Patterns
    linked: bool = False
    """Whether the path is a link."""
    pictures: str | None = None
    """A digest of the pictures in the folder above."""


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link to itself
        return False


def _file(entry: os.DirEntry[str], folder: PurePosixPath) -> AudioFile | RejectedFile:
    try:
        status = entry.stat()
    except OSError as error:
        path = Path(entry.path)
        loop = path.is_symlink() and error.errno == errno.ELOOP
        return _rejected(path, "symlink-loop" if loop else "unreadable", error.strerror or str(error))
    if not stat.S_ISREG(status.st_mode):
        return _rejected(Path(entry.path), "not-a-file", "neither a file nor a link to one")
    return AudioFile(
        path=stored_path(entry.path),
        relative=folder / stored_path(entry.name),
        size=status.st_size,
        modified_ns=_limited(status.st_mtime_ns),
        changed_ns=_limited(status.st_ctime_ns),
        inode=status.st_ino & LATEST_NS,
        device=status.st_dev & LATEST_NS,
    )


def _limited(time_ns: int) -> int:
    return max(-LATEST_NS, min(time_ns, LATEST_NS))


def _rejected(path: Path, reason: str, detail: str) -> RejectedFile:
    return RejectedFile(path=shown(path), reason=reason, detail=detail)
