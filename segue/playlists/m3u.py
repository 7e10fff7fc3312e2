"""Playlists as text: extended M3U, written and read. :mod:`segue.playlists.other_formats` reads others.

The reader of M3U uses `#PLAYLIST`, `#EXTENC`, `#EXTINF`, `#EXTART` and the lines between. Of a line
that names a file or an address, it uses only the words; it opens nothing. https://en.wikipedia.org/wiki/M3U
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterable, Iterator

from segue.catalog.scan import PERHAPS_VIDEO, SUFFIXES
from segue.catalog.text_encoding import guessed, unicode_in
from segue.normal_forms import whole
from segue.phrases import marked, phrase
from segue.playlists.entries import Entry, Listed, NotPlaylist, entry_of, lines_of
from segue.playlists.other_formats import listed_in
from segue.playlists.playlists import MOST_TRACKS
from segue.playlists.tables import seconds_of

LARGEST = 4 << 20
"""Bytes."""
_GUESSED_BY = 64 << 10
"""Bytes at the beginning of a file, by which its encoding is guessed."""
PLAYLIST_SUFFIXES = (
    "m3u",
    "m3u8",
    "pls",
    "xspf",
    "jspf",
    "json",
    "wpl",
    "zpl",
    "asx",
    "wax",
    "wvx",
    "b4s",
    "xml",
    "txt",
    "csv",
    "tsv",
)
"""The suffixes of the files that are read; their contents decide on the format."""
_INFO = re.compile(r"([-\d.:]{0,12})[^,\"]{0,200}(?:\"[^\"]{0,500}\"[^,\"]{0,200}){0,20}(?:,|$)")
"""The part of `#EXTINF` before the title: the length, and attributes whose values may have a comma."""
_BINARY = re.compile("[\x01-\x06\x0e-\x1a\x1c-\x1f]")
OLD_ENCODINGS = (
    "cp1252",
    "cp1251",
    "gb18030",
    "shift_jis",
    "euc_kr",
    "big5",
    "cp1250",
    "mac_roman",
    "cp1253",
)
"""The encodings of programs that do not write UTF-8, the most common first."""
_NOT_OF_FILES = frozenset({"punycode", "idna", "unicode_escape", "raw_unicode_escape", "undefined"})
"""Python's encodings of host names and of its own texts: decoding the first takes the square of the size."""


def read_playlist(data: bytes) -> Listed:
    """Read a playlist in the encoding that it states, in UTF-8, or else in the most likely one.

    Raises
    ------
    NotPlaylist
        The file is too large, contains binary data, or names no song.
    """
    return next(readings(data))


def readings(data: bytes) -> Iterator[Listed]:
    """A playlist in each encoding that it may have, the most likely first; only one if it states it.

    Raises
    ------
    NotPlaylist
        As :func:`read_playlist`.
    """
    if len(data) > LARGEST:
        raise NotPlaylist(phrase("A playlist has at most {size} kB.", size=LARGEST // 1024))
    texts = list(dict.fromkeys(_texts(data)))
    if not texts:
        raise NotPlaylist(marked("This file is not a playlist."))
    return (_listed(text) for text in texts)


def _texts(data: bytes) -> Iterator[str]:
    stated = re.search(
        rb"^#EXTENC:[ \t]*([\w-]{1,40})[ \t]*\r?$|^<\?xml [^>]*?encoding=[\"']([\w-]{1,40})",
        data[:4096],
        re.MULTILINE | re.IGNORECASE,
    )
    text = None if stated else unicode_in(data)
    if text is not None:
        yield from [] if _is_binary(text) else [whole(text)]
        return
    known = _known((stated[1] or stated[2]).decode("ascii")) if stated else []
    likely = guessed(_named(data[:_GUESSED_BY].decode("latin-1")))
    encodings = [*known, "utf-8-sig", *([likely] if likely else []), *OLD_ENCODINGS, "latin-1"]
    for number, encoding in enumerate(encodings):
        try:
            text = data.decode(encoding)
        except (UnicodeError, LookupError):
            continue
        if _is_binary(text):
            continue
        yield whole(text)
        if number == 0:
            return


def _is_binary(text: str) -> bool:
    """Whether a text has NUL, or many other characters that no text has."""
    return "\0" in text or len(_BINARY.findall(text)) > len(text) / 100


def _known(encoding: str) -> list[str]:
    """The encoding that a file states, if files can have it."""
    try:
        return [] if codecs.lookup(encoding).name.replace("-", "_") in _NOT_OF_FILES else [encoding]
    except LookupError:
        return []


def _named(text: str) -> list[str]:
    """The names in a playlist, without directives and separators."""
    lines = (line.partition(",")[2] if line[:8].upper() == "#EXTINF:" else line for line in text.split("\n"))
    return [part for line in lines if not line.startswith("#EXT") for part in re.split(r"/| - ", line)]


def _listed(text: str) -> Listed:
    found = listed_in(text) or _of_m3u(text)
    if not found.entries:
        raise NotPlaylist(marked("There is no song in this playlist."))
    if len(found.entries) > MOST_TRACKS:
        raise NotPlaylist(
            phrase(
                "A playlist holds {most} songs at most; this one has more.",
                most=MOST_TRACKS,
            )
        )
    return found


def _of_m3u(text: str) -> Listed:
    name, info, artist, entries = None, None, "", list[Entry]()
    for line in filter(None, (found[0].strip() for found in lines_of(text))):
        upper = line[:10].upper()
        if upper.startswith("#EXTINF:"):
            info = line[8:].lstrip()
        elif upper == "#PLAYLIST:":
            name = line[10:].strip() or None
        elif upper.startswith("#EXTART:"):
            artist = line[8:].strip()
        elif not line.startswith("#") or (info is not None and _is_audio(line)):
            entries.append(_entry(line, info, artist))
            info, artist = None, ""
            if len(entries) > MOST_TRACKS:
                break
    return Listed(name=name, entries=tuple(entries))


def _is_audio(line: str) -> bool:
    """Whether a line after #EXTINF is a file whose name begins with a number sign, and no comment."""
    suffix = line[line.rfind(".") :].lower()
    return suffix in SUFFIXES or suffix in PERHAPS_VIDEO


def _entry(line: str, info: str | None, artist: str) -> Entry:
    head = _INFO.match(info or "")
    length, named = (head[1], (info or "")[head.end() :]) if head else ("", "")
    # A title that names the artist, too, is taken apart.
    apart = "" if " - " in named else artist
    return entry_of(line, named=named, artist=apart, seconds=seconds_of(length))


def write_m3u(name: str, entries: Iterable[Entry]) -> str:
    """A playlist as UTF-8 text for a file named *.m3u8."""
    lines = ["#EXTM3U", f"#PLAYLIST:{_line(name)}"]
    for entry in entries:
        seconds = -1 if entry.seconds is None else round(entry.seconds)
        location = _line(entry.location)
        # Readers take a line that begins with a number sign for a comment.
        lines += [
            f"#EXTINF:{seconds},{_line(entry.shown)}",
            f"./{location}" if location[:1] == "#" else location,
        ]
    return "\n".join(lines) + "\n"


def _line(text: str) -> str:
    """The text on one line, so that a tag with line breaks cannot add an entry."""
    return " ".join(text.split())
