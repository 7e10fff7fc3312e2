"""Playlists as text: extended M3U, written and read.

The reader uses `#PLAYLIST`, `#EXTINF` and the lines between. Of a line that names a file or an address, it
uses only the words of the last part; it opens nothing. https://en.wikipedia.org/wiki/M3U
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import PurePosixPath, PureWindowsPath
from urllib.parse import unquote

from segue.errors import SegueError

LARGEST = 1 << 20
"""Bytes."""
MOST_ENTRIES = 2000
_INFO = re.compile(r"#EXTINF:\s*(-?\d+(?:\.\d+)?)?[^,]*,(.*)", re.IGNORECASE)


class NotM3u(SegueError):
    """A file is not a playlist of this format; the message gives the reason."""


@dataclass(frozen=True, kw_only=True)
class Entry:
    """A song in a playlist file."""

    title: str
    artist: str | None = None
    seconds: float | None = None
    location: str = ""
    """The line that names the file, unchanged."""

    @property
    def shown(self) -> str:
        """The song in words, for the listener."""
        return f"{self.artist} - {self.title}" if self.artist else self.title


@dataclass(frozen=True, kw_only=True)
class Listed:
    """The content of a playlist file."""

    name: str | None
    entries: tuple[Entry, ...]


def read_m3u(data: bytes) -> Listed:
    """Read a playlist: UTF-8, with or without a byte order mark, or else Latin-1.

    Raises
    ------
    NotM3u
        The file is too large, contains binary data, or names no song.
    """
    if len(data) > LARGEST:
        raise NotM3u(f"A playlist has at most {LARGEST // 1024} kB.")
    if b"\x00" in data:
        raise NotM3u("This is not an M3U playlist, but some other kind of file.")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = data.decode("latin-1")
    name, info, entries = None, None, []
    for line in filter(None, map(str.strip, text.splitlines())):
        if match := _INFO.match(line):
            info = match
        elif line.upper().startswith("#PLAYLIST:"):
            name = line.partition(":")[2].strip() or None
        elif not line.startswith("#"):
            entries.append(_entry(line, info))
            info = None
    if not entries:
        raise NotM3u("There is no song in this playlist.")
    if len(entries) > MOST_ENTRIES:
        raise NotM3u(f"A playlist holds {MOST_ENTRIES} songs at most; this one has {len(entries)}.")
    return Listed(name=name, entries=tuple(entries))


def _entry(line: str, info: re.Match[str] | None) -> Entry:
    named = info[2].strip() if info else ""
    seconds = float(info[1]) if info and info[1] else 0.0
    stem = named or _stem(line)
    artist, dash, title = stem.partition(" - ")
    return Entry(
        title=(title if dash else stem).strip() or stem,
        artist=artist.strip() or None if dash else None,
        seconds=seconds if seconds > 0 else None,
        location=line,
    )


def _stem(line: str) -> str:
    """The name of the file that a line names, without its extension and a leading track number."""
    path = unquote(line.split("?", maxsplit=1)[0]) if "://" in line else line
    stem = (PureWindowsPath(path) if "\\" in path else PurePosixPath(path)).stem
    return re.sub(r"^\d{1,3}[\s._-]+(?=\S)", "", stem).replace("_", " ") or line


def write_m3u(name: str, entries: Iterable[Entry]) -> str:
    """A playlist as UTF-8 text for a file named *.m3u8."""
    lines = ["#EXTM3U", f"#PLAYLIST:{_line(name)}"]
    for entry in entries:
        seconds = -1 if entry.seconds is None else round(entry.seconds)
        lines += [f"#EXTINF:{seconds},{_line(entry.shown)}", _line(entry.location)]
    return "\n".join(lines) + "\n"


def _line(text: str) -> str:
    """The text on one line, so that a tag with line breaks cannot add an entry."""
    return " ".join(text.split())
