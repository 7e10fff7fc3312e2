"""The songs that a playlist file names, whatever its format."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from urllib.parse import unquote, unquote_to_bytes

from segue.errors import SegueError

_LONGEST_PATH = 8192
"""Characters; Linux allows 4,096 bytes, and escapes take three for each."""
_LONGEST_NAME = 500
"""Characters of a title or an artist: names are compared with those of many songs."""
_SCHEME = re.compile(r"[a-zA-Z][a-zA-Z0-9+.-]{1,20}://|file:/", re.IGNORECASE)
_SPACES = re.compile(r"\s{2,}")
_ESCAPE = re.compile(r"%[0-9A-Fa-f]{2}")


class NotPlaylist(SegueError):
    """A file is not a playlist; the message gives the reason."""


@dataclass(frozen=True, kw_only=True)
class Entry:
    """A song in a playlist file."""

    title: str
    artist: str | None = None
    seconds: float | None = None
    location: str = ""
    """The text that names the file, unchanged."""
    described: bool = field(default=False, compare=False)
    """Whether the playlist gives the title; otherwise it comes from the file's name."""

    @property
    def shown(self) -> str:
        """The song in words, for the listener."""
        return f"{self.artist} - {self.title}" if self.artist else self.title


@dataclass(frozen=True, kw_only=True)
class Listed:
    """The content of a playlist file."""

    name: str | None
    entries: tuple[Entry, ...]


def entry_of(location: str, *, named: str = "", artist: str = "", seconds: float | None = None) -> Entry:
    """A song by the text that names its file, and by its title, which may be "Artist - Title"."""
    named, artist = _short(named), _short(artist)
    stem = named or _short(stem_of(location))
    before, dash, title = ("", "", stem) if artist else stem.partition(" - ")
    return Entry(
        title=(title if dash else stem).strip() or stem,
        artist=artist or (before.strip() if dash else "") or None,
        seconds=seconds if seconds and seconds > 0 else None,
        location=location,
        described=bool(named),
    )


def _short(text: str) -> str:
    """A name without runs of spaces, of bounded length."""
    return _SPACES.sub(" ", text[: 4 * _LONGEST_NAME])[:_LONGEST_NAME].strip()


def path_parts(location: str) -> tuple[str, ...]:
    """The folders and the file that a text names, without drive, scheme, "." and "..".

    "file:///C:/Music/A%20B/1.mp3" → ("Music", "A B", "1.mp3").
    """
    location = path = location[:_LONGEST_PATH]
    if scheme := _SCHEME.match(location):
        path = _unescaped(location[scheme.end() :].partition("?")[0])
        path = path if scheme[0].lower().startswith("file:") else path.partition("/")[2]
    elif _ESCAPE.search(location):
        path = _unescaped(location)
    parts = (re.sub(r"^[A-Za-z]:$", "", part) for part in re.split(r"[\\/]", path))
    return tuple(part for part in parts if part not in ("", ".", ".."))


def stem_of(location: str) -> str:
    """The name of the file that a text names, without its extension and a leading track number."""
    parts = path_parts(location)
    stem = PurePosixPath(parts[-1]).stem if parts else location
    return re.sub(r"^\d{1,3}[\s._-]+(?=\S)", "", stem).replace("_", " ") or location


def _unescaped(text: str) -> str:
    """A text without percent escapes, which stand for UTF-8, or for the encoding of old Windows programs."""
    data = unquote_to_bytes(text)
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return unquote(text, encoding="cp1252", errors="replace")
