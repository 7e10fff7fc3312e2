"""A track of the catalogue: its id, which is the same on every run and machine, its records and document."""

from __future__ import annotations

import hashlib
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Annotated, Any, Literal, NotRequired, TypedDict

from segue.storage.records import Between, Count, Readable

LONGEST = 300
"""The maximum length of a text in characters: ingest stores no longer ones, and pages show no more."""
UNKNOWN_ARTIST = "Unknown artist"
"""The artist of a track without an artist tag."""
State = Literal["present", "vanished", "no-audio"]
"""Its file exists; has vanished; or was never usable, and only a data set's tables have the track."""
LOSSLESS = frozenset({".flac", ".wav"})
"""A compressed song keeps the full name of the lossless file before its own suffix: Song.flac.mp3."""


def track_id(library: str, relative: PurePosixPath) -> str:
    """The id of the track at a path within a library: 16 hexadecimal digits.

    The path is normalised to Unicode's composed form, since macOS stores names decomposed. A lossless song
    that was compressed (Song.flac to Song.flac.mp3) keeps its id.
    """
    if relative.suffix.lower() == ".mp3" and PurePosixPath(relative.stem).suffix.lower() in LOSSLESS:
        relative = relative.with_suffix("")
    name = unicodedata.normalize("NFC", f"{library}/{relative}")
    return hashlib.sha256(name.encode("utf-8")).hexdigest()[:16]


class FmaFacts(TypedDict):
    """Facts that only the Free Music Archive's tables have."""

    tags: list[str]
    """Tags of the archive."""
    listens: int | None
    """Plays on the archive's own site."""
    seconds: int | None
    """The length of the whole track; most subsets have 30 s of it."""
    subset: str | None
    """Smallest subset of the data set with the track."""
    licence: str | None
    """Licence of the recording."""


@dataclass(frozen=True, kw_only=True)
class Track:
    """A track with all its stored fields."""

    track_id: str
    library: str
    path: str | None
    """Absolute, on the machine that read it. Path, size and time are None without audio."""
    title: str
    artist: str
    album: str | None
    genres: tuple[str, ...]
    tags: tuple[str, ...] = ()
    """For the search: the file's moods and groupings, and the tags of FMA's tables."""
    duration_ms: int | None
    track: int | None
    """The track number on the album."""
    year: int | None
    cover_id: str | None
    size: int | None
    """Bytes."""
    modified_ns: int | None
    """Time of the last change, in nanoseconds since 1970."""
    state: State = "present"
    known: str | None = None
    """A digest of the data set's tables' entry for it."""
    fma: FmaFacts | None = None
    """Facts from FMA's tables: see :meth:`segue.catalog.fma.FmaTrack.facts`."""


@dataclass(frozen=True, kw_only=True)
class TrackSummary:
    """The fields of a track that lists and pages show."""

    track_id: str
    title: str
    """The id, if the track has no title."""
    artist: str = ""
    album: str | None = None
    genres: tuple[str, ...] = ()
    cover_id: str | None = None
    duration_ms: int | None = None
    year: int | None = None

    @property
    def genre(self) -> str | None:
        """The first of its genres."""
        return self.genres[0] if self.genres else None


@dataclass(frozen=True, kw_only=True)
class StoredFile:
    """The file of a track at the time when it was read."""

    track_id: str
    path: str | None
    size: int | None
    modified_ns: int | None
    state: State
    known: str | None
    """A digest of the data set's tables' entry for it."""
    has_tags: bool = True
    """Whether the tags for the search are stored; releases before 0.2 did not read them."""


@dataclass(frozen=True, kw_only=True)
class Searchable:
    """The texts of a track that the search matches."""

    track_id: str
    title: str = ""
    artist: str = ""
    album: str = ""
    genres: Sequence[str] = ()
    tags: Sequence[str] = ()


class TrackDocument(TypedDict):
    """A document of `tracks`; see :class:`segue.catalog.track.Track`."""

    _id: str
    """The track's id: 16 hexadecimal digits."""
    library: str
    """Name of the library."""
    path: str | None
    """Absolute path of the file on the machine that read it; none without audio."""
    title: Annotated[str, Readable()]
    """Title from the tags, or the file's name."""
    artist: str
    """Artist, or `Unknown artist`."""
    album: str | None
    """Album; none if the tags name none."""
    genres: list[str]
    """Genres."""
    tags: NotRequired[list[str]]
    """Releases before 0.2 did not write it; :func:`searchable_of` then takes the tags in `fma`."""
    duration_ms: Count | None
    """Length in milliseconds."""
    track: Count | None
    """Number on the album."""
    year: Annotated[int, Between(0, 9999)] | None
    """Year of release."""
    cover_id: str | None
    """Id of the cover in `covers`."""
    size: int | None
    """Size of the file in bytes; none without audio."""
    modified_ns: int | None
    """Time of the file's last change, nanoseconds since 1970; none without audio."""
    state: State
    """Whether the file exists, has vanished, or is unusable and known from a data set only."""
    known: NotRequired[str | None]
    """Digest of the track's entry in the data set's tables."""
    fma: NotRequired[FmaFacts | None]
    """Facts from the tables of the Free Music Archive."""


SHOWN = {
    "title": 1,
    "artist": 1,
    "album": 1,
    "genres": 1,
    "cover_id": 1,
    "duration_ms": 1,
    "year": 1,
}
"""The fields that :func:`summary_of` reads."""


def summary_of(track: Mapping[str, Any]) -> TrackSummary:
    """The summary of a track, from a document with the fields :data:`SHOWN`."""
    return TrackSummary(
        track_id=track["_id"],
        title=(track.get("title") or track["_id"])[:LONGEST],
        artist=(track.get("artist") or "")[:LONGEST],
        album=album[:LONGEST] if (album := track.get("album")) else None,
        genres=tuple(genre[:LONGEST] for genre in track.get("genres") or ()),
        cover_id=track.get("cover_id"),
        duration_ms=track.get("duration_ms"),
        year=track.get("year"),
    )


def file_of(track: Mapping[str, Any]) -> StoredFile:
    """The file of a track, from a document with the fields :data:`OF_FILE`."""
    return StoredFile(
        track_id=track["_id"],
        path=track.get("path"),
        size=track.get("size"),
        modified_ns=track.get("modified_ns"),
        state=track.get("state", "present"),
        known=track.get("known"),
        has_tags=track["has_tags"],
    )


def searchable_of(track: Mapping[str, Any]) -> Searchable:
    """The texts that the search matches, from a document."""
    return Searchable(
        track_id=track["_id"],
        title=track.get("title") or "",
        artist=track.get("artist") or "",
        album=track.get("album") or "",
        genres=track.get("genres") or (),
        tags=track.get("tags") or (track.get("fma") or {}).get("tags") or (),
    )


def first_genre(genres: Sequence[str] | None) -> str | None:
    """The main genre, if any."""
    return genres[0] if genres else None


def document_of(track: Track) -> TrackDocument:
    """The document of a track."""
    document: TrackDocument = {
        "_id": track.track_id,
        "library": track.library,
        "path": track.path,
        "title": track.title,
        "artist": track.artist,
        "album": track.album,
        "genres": list(track.genres),
        "tags": list(track.tags),
        "duration_ms": track.duration_ms,
        "track": track.track,
        "year": track.year,
        "cover_id": track.cover_id,
        "size": track.size,
        "modified_ns": track.modified_ns,
        "state": track.state,
    }
    if track.known is not None:
        document |= {"known": track.known, "fma": track.fma}
    return document
