"""Reads a file's tags: title, artist, album, genres, mood, grouping, length."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import mutagen
from mutagen.id3 import ID3
from mutagen.mp4 import MP4Tags

from segue.audio.decode import check_readable, seconds_of
from segue.catalog.track import LONGEST, UNKNOWN_ARTIST

ID3_FRAMES = {
    "title": "TIT2", "artist": "TPE1", "album_artist": "TPE2", "album": "TALB", "genre": "TCON",
    "track": "TRCK", "year": "TDRC", "mood": "TMOO", "grouping": "GRP1", "content_group": "TIT1",
}  # fmt: skip
MP4_ATOMS = {
    "title": "\xa9nam", "artist": "\xa9ART", "album_artist": "aART", "album": "\xa9alb", "genre": "\xa9gen",
    "track": "trkn", "year": "\xa9day", "mood": "----:com.apple.iTunes:MOOD", "grouping": "\xa9grp",
    "content_group": "\xa9grp",
}  # fmt: skip
COMMENTS = {
    "title": "title", "artist": "artist", "album_artist": "albumartist", "album": "album", "genre": "genre",
    "track": "tracknumber", "year": "date", "mood": "mood", "grouping": "grouping",
    "content_group": "grouping",
}  # fmt: skip

LABELS = ("mood", "grouping", "content_group")
"""ID3 has two frames for a grouping: iTunes writes GRP1, most others TIT1."""


@dataclass(frozen=True, kw_only=True)
class Tags:
    title: str
    artist: str
    album: str | None
    genres: tuple[str, ...]
    labels: tuple[str, ...]
    """Moods and groupings, for the search. Comments are left out: most contain URLs and encoders' names."""
    duration_ms: int | None
    track: int | None
    year: int | None


def read_tags(path: Path, *, relative: PurePosixPath) -> tuple[Tags, Any]:
    """Read the tags of a file; the names of the file and its folders replace missing tags.

    Returns
    -------
    The tags, and mutagen's object, in which :mod:`segue.catalog.cover_art` looks for a picture.

    Raises
    ------
    AudioError
        The file cannot be read or has no audio.
    """
    check_readable(path)
    try:
        audio = mutagen.File(path)
    # A damaged tag can raise any error; the audio itself may be intact.
    except Exception:
        audio = None
    seconds = getattr(getattr(audio, "info", None), "length", None) or seconds_of(path)
    tags = getattr(audio, "tags", None)
    values = _reader(tags)
    folder = relative.parent.name
    return (
        Tags(
            title=_first(values("title")) or clean(relative.stem) or relative.name,
            artist=_first(values("artist"))
            or _first(values("album_artist"))
            or clean(folder)
            or UNKNOWN_ARTIST,
            album=_first(values("album")) or None,
            genres=_several(values("genre")),
            labels=_several([text for name in LABELS for text in values(name)]),
            duration_ms=round(seconds * 1000) if seconds else None,
            track=_number(_first(values("track")), most=9999),
            year=_year(_first(values("year"))),
        ),
        audio,
    )


def _reader(tags: Any) -> Callable[[str], Sequence[str]]:
    """A function that returns the values of a tag by our name for it."""

    def from_id3(name: str) -> Sequence[str]:
        frame = tags.get(ID3_FRAMES[name])
        if frame is None:
            return []
        return [str(text) for text in (frame.genres if name == "genre" else frame.text)]

    def from_mp4(name: str) -> Sequence[str]:
        values = tags.get(MP4_ATOMS[name]) or []
        return [_mp4_text(value) for value in values]

    def from_comments(name: str) -> Sequence[str]:
        texts = tags.get(COMMENTS[name]) or []
        return [str(value) for value in (texts if isinstance(texts, list) else [texts])]

    if tags is None:
        return lambda name: []
    if isinstance(tags, ID3):
        return from_id3
    return from_mp4 if isinstance(tags, MP4Tags) else from_comments


def _mp4_text(value: Any) -> str:
    """An atom's value as text; free-form atoms have bytes, track numbers a pair."""
    if isinstance(value, bytes):
        return value.decode("utf-8", errors="replace")
    return str(value[0] if isinstance(value, tuple) else value)


def clean(text: str) -> str:
    """One line of text in composed form, without control characters, at most :data:`LONGEST` characters."""
    whole = "".join(
        " " if unicodedata.category(c) in {"Cc", "Cs", "Zl", "Zp"} else c for c in text[: 4 * LONGEST]
    )
    return unicodedata.normalize("NFC", " ".join(whole.split()))[:LONGEST].rstrip()


def _first(values: Sequence[str]) -> str:
    return next((text for value in values if (text := clean(value))), "")


def _several(values: Sequence[str]) -> tuple[str, ...]:
    """Distinct values, at most 20; a text may have several, separated by semicolons."""
    parts = (clean(part) for value in values for part in re.split(r"[;\0]", value))
    return tuple(dict.fromkeys(part for part in parts if part))[:20]


def _number(text: str, *, most: int) -> int | None:
    """The first number of a text such as "3/12"."""
    match = re.match(r"\d{1,6}", text)
    return int(match[0]) if match and 0 < int(match[0]) <= most else None


def _year(text: str) -> int | None:
    match = re.search(r"\b(1[89]|2[01])\d\d", text)
    return int(match[0]) if match else None
