"""The songs that a playlist file names, whatever its format."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from urllib.parse import unquote_to_bytes

from segue.errors import SegueError
from segue.phrases import phrase
from segue.playlists.playlists import MOST_TRACKS

_LONGEST_PATH = 8192
"""Characters; Linux allows 4,096 bytes, and escapes take three for each."""
_LONGEST_NAME = 500
"""Characters of a title or an artist: names are compared with those of many songs."""
_SCHEME = re.compile(r"[a-zA-Z][a-zA-Z0-9+.-]{1,20}://|file:/", re.IGNORECASE)
_MOST_LINES = 8 * MOST_TRACKS
"""Some programs write several for each song. Python takes a while for each, however short it is."""
_LINE = re.compile(r"[^\r\n]+")
_SPACES = re.compile(r"\s{2,}")
_ESCAPE = re.compile(r"%[0-9A-Fa-f]{2}")
_NUMBERED = re.compile(r"\d{1,3}[\s._-]+(?=\S)")
"""The number of a track at the beginning of a file's name."""
_OLD_SIGNS = {0xDC00 + byte: bytes([byte]).decode("cp1252", "replace") for byte in range(0x80, 0x100)}
"""The signs of the encoding of old Windows programs, by the halves of characters that stand for bytes."""


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


def lines_of(text: str) -> Iterator[re.Match[str]]:
    """The lines of a file that are not empty.

    Raises
    ------
    NotPlaylist
        There are more than :data:`_MOST_LINES`.
    """
    for number, line in enumerate(_LINE.finditer(text)):
        if number == _MOST_LINES:
            raise NotPlaylist(too_much())
        yield line


def too_much() -> str:
    """The message for a file with more lines or tags than the longest playlist has."""
    return phrase("This file has more lines than a playlist of {most} songs.", most=MOST_TRACKS)


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
    parts = path.replace("\\", "/").split("/")
    return tuple(part for part in parts if part not in ("", ".", "..") and not _is_drive(part))


def stem_of(location: str) -> str:
    """The name of the file that a text names, without its extension and a leading track number."""
    parts = path_parts(location)
    stem = parts[-1] if parts else location
    if parts and 0 < (dot := stem.rfind(".")) < len(stem) - 1:
        stem = stem[:dot]
    if number := _NUMBERED.match(stem):
        stem = stem[number.end() :]
    return stem.replace("_", " ") or location


def _is_drive(part: str) -> bool:
    return len(part) == 2 and part[1] == ":" and part[0].isascii() and part[0].isalpha()


def _unescaped(text: str) -> str:
    """A text without percent escapes, which stand for UTF-8, or for the encoding of old Windows programs."""
    data = unquote_to_bytes(text)
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        # Signs beside the escapes are no bytes of the old encoding.
        return data.decode("ascii" if text.isascii() else "utf-8", "surrogateescape").translate(_OLD_SIGNS)
