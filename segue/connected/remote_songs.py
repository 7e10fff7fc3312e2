"""The songs of another server, read from answers of any quality.

Fields may be missing, of another type, or absurd: such a field is left out, and the song stays. Lengths may
be in milliseconds where the protocol has seconds; the size and the bit rate of the songs tell the unit.
"""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import PurePosixPath
from statistics import median
from typing import Any

from segue.audio.transcoding.media_types import CONTENT_TYPES
from segue.catalog.track import LONGEST, UNKNOWN_ARTIST

_LONGEST_ID, _LONGEST_PATH = 200, 2000
_LARGEST = 2**53
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_LONGEST_SECONDS = 24 * 3600.0
"""A longer song is taken for one whose length is in milliseconds."""
_MILLI = 1000.0
_SUFFIX_OF = {
    "audio/mpeg": "mp3",
    "audio/mp3": "mp3",
    "audio/flac": "flac",
    "audio/x-flac": "flac",
    "audio/ogg": "ogg",
    "audio/opus": "opus",
    "audio/mp4": "m4a",
    "audio/x-m4a": "m4a",
    "audio/aac": "aac",
    "audio/wav": "wav",
    "audio/x-wav": "wav",
}


@dataclass(frozen=True, kw_only=True)
class RemoteSong:
    """A song as another server lists it."""

    song_id: str
    title: str
    artist: str = UNKNOWN_ARTIST
    artists: tuple[str, ...] = ()
    album: str | None = None
    album_artists: tuple[str, ...] = ()
    path: str = ""
    """The path of its file on that server, which some servers make up; empty if it gives none."""
    suffix: str = ""
    """Of the file, without a dot, in lower case; empty if it is unknown."""
    seconds: float | None = None
    size: int | None = None
    """Bytes."""
    kilobits: int | None = None
    number: int | None = None
    disc: int | None = None
    year: int | None = None
    genres: tuple[str, ...] = ()
    recording: str | None = None
    """MusicBrainz id of the recording."""
    cover: str | None = None
    """The server's id of its picture."""
    created: datetime | None = None

    @property
    def digest(self) -> str:
        """A digest of all facts: another one means that the song has changed."""
        return hashlib.sha256(repr(self).encode("utf-8", "replace")).hexdigest()[:32]

    @property
    def is_playable(self) -> bool:
        """Whether its format is one that Segue knows."""
        return f".{self.suffix}" in CONTENT_TYPES


def songs_of(found: object) -> list[RemoteSong]:
    """The songs of a list in an answer; a single object in place of a list is one of one."""
    entries = found if isinstance(found, list) else [found]
    songs = (song_of(entry) for entry in entries if isinstance(entry, dict))
    return [song for song in songs if song is not None]


def song_of(entry: Mapping[str, Any]) -> RemoteSong | None:
    """A song of an answer; None for a folder, a video, or an entry without an id."""
    song_id = identifier(entry.get("id"))
    if not song_id or entry.get("isDir") is True or entry.get("isVideo") is True:
        return None
    path = _text(entry.get("path"), most=_LONGEST_PATH) or ""
    suffix = (_text(entry.get("suffix")) or PurePosixPath(path).suffix.lstrip(".")).lower()
    artists = _names(entry.get("artists"))
    artist = _text(entry.get("displayArtist")) or _text(entry.get("artist")) or ", ".join(artists)
    name = PurePosixPath(path).stem
    return RemoteSong(
        song_id=song_id,
        title=_text(entry.get("title")) or _text(name) or song_id,
        artist=(artist or UNKNOWN_ARTIST)[:LONGEST],
        artists=artists,
        album=_text(entry.get("album")),
        album_artists=_names(entry.get("albumArtists")),
        path=path,
        suffix=suffix if re.fullmatch(r"[a-z0-9]{1,5}", suffix) else _suffix_of(entry.get("contentType")),
        seconds=_positive(entry.get("duration")),
        size=_whole(entry.get("size"), most=_LARGEST),
        kilobits=_whole(entry.get("bitRate"), most=100_000),
        number=_whole(entry.get("track"), most=9999),
        disc=_whole(entry.get("discNumber"), most=9999),
        year=_whole(entry.get("year"), most=9999),
        genres=_genres(entry),
        recording=_recording(entry.get("musicBrainzId")),
        cover=identifier(entry.get("coverArt")) or None,
        created=time_of(entry.get("created")),
    )


def in_seconds(songs: Sequence[RemoteSong]) -> list[RemoteSong]:
    """The songs with their lengths in seconds, whatever unit the server uses.

    The size of a file divided by its bit rate is about its length. Where a song does not have both, the unit
    is that of most others, and a length of more than a day is one in milliseconds.
    """
    shares = [share for song in songs if (share := _share(song)) is not None]
    usual = _MILLI if shares and median(shares) > math.sqrt(_MILLI) else 1.0
    return [replace(song, seconds=_seconds(song, usual)) for song in songs]


def _share(song: RemoteSong) -> float | None:
    """The stated length in units of the length that follows from size and bit rate: about 1, or 1000."""
    if not song.seconds or not song.size or not song.kilobits:
        return None
    return song.seconds / (8 * song.size / (1000 * song.kilobits))


def _seconds(song: RemoteSong, usual: float) -> float | None:
    if song.seconds is None:
        return None
    share = _share(song)
    unit = usual if share is None else _MILLI if share > math.sqrt(_MILLI) else 1.0
    if unit == 1.0 and song.seconds > _LONGEST_SECONDS:
        unit = _MILLI
    return song.seconds / unit


def identifier(value: object) -> str:
    """An id of the server as a text: some servers send numbers; empty if it is none."""
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    if not isinstance(value, str) or not 0 < len(value) <= _LONGEST_ID or not value.isprintable():
        return ""
    return value


def _text(value: object, *, most: int = LONGEST) -> str | None:
    """A text without characters that cannot be stored or shown; None if nothing is left."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        value = str(value)
    if not isinstance(value, str):
        return None
    shown = "".join(sign if sign.isprintable() else " " for sign in value[: 4 * most])
    return shown.strip()[:most].strip() or None


def _positive(value: object) -> float | None:
    if isinstance(value, str) and re.fullmatch(r"\d{1,12}(\.\d{1,9})?", value):
        value = float(value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if 0 < value < _LARGEST else None


def _whole(value: object, *, most: int) -> int | None:
    number = _positive(value)
    return int(number) if number is not None and 1 <= number <= most else None


def _names(value: object) -> tuple[str, ...]:
    """The names of a list of artists; objects with a name, or texts."""
    entries = value if isinstance(value, list) else []
    names = (_text(entry.get("name") if isinstance(entry, dict) else entry) for entry in entries[:100])
    return tuple(dict.fromkeys(filter(None, names)))


def _genres(entry: Mapping[str, Any]) -> tuple[str, ...]:
    first = _text(entry.get("genre"))
    return tuple(dict.fromkeys(filter(None, (*_names(entry.get("genres")), first))))[:20]


def _recording(value: object) -> str | None:
    text = value.strip().lower() if isinstance(value, str) else ""
    return text if _UUID.fullmatch(text) else None


def _suffix_of(content_type: object) -> str:
    return (
        _SUFFIX_OF.get(content_type.partition(";")[0].strip().lower(), "")
        if isinstance(content_type, str)
        else ""
    )


def time_of(value: object) -> datetime | None:
    """A time of ISO 8601; one without a zone is in UTC."""
    try:
        at = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None
    if at is None:
        return None
    at = at if at.tzinfo else at.replace(tzinfo=UTC)
    return at if 1990 <= at.year <= 9000 else None


def moment_of(value: object) -> datetime | None:
    """As :func:`time_of`, in whole milliseconds, as times are stored: so it equals itself later."""
    at = time_of(value)
    return None if at is None else at.replace(microsecond=at.microsecond // 1000 * 1000)
