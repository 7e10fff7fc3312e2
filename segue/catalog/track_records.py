"""Records with a part of a track's fields, for one purpose each, and how each is read from a document."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from segue.catalog.cue_part import CueDocument, span_of
from segue.catalog.stored_paths import readable
from segue.catalog.track import LONGEST
from segue.catalog.track_document import ServerSong, State


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
class MatchableTrack:
    """The facts by which a track is recognised in playlists and logs of other programs."""

    track_id: str
    title: str
    artist: str
    artists: tuple[str, ...]
    """Each of its artists, the featured ones too."""
    album: str | None
    duration_ms: int | None
    path: str = ""
    """The path of its file; empty without one."""
    recording: str | None = None
    release_track: str | None = None


def average_kilobits(size: int | None, duration_ms: int | None) -> int | None:
    """The average bit rate of a file in thousand bits a second, covers and tags included; None if unknown."""
    return round(8 * size / duration_ms) if size and duration_ms else None


@dataclass(frozen=True, kw_only=True)
class Recording:
    """The sound of a track."""

    path: Path
    """Of the file; for a song of a connected server, the name of its file there."""
    size: int | None
    """Bytes."""
    duration_ms: int | None
    start: float = 0.0
    """Seconds from the beginning of the file."""
    end: float | None = None
    """Seconds from the beginning of the file; None for its end."""
    server: ServerSong | None = None
    """Where the sound is, if it is on a connected server."""

    @property
    def is_part(self) -> bool:
        """Whether it is a part of its file."""
        return self.start > 0 or self.end is not None

    @property
    def kilobits(self) -> int | None:
        """As :func:`average_kilobits`; not known for a part of a file."""
        return None if self.is_part else average_kilobits(self.size, self.duration_ms)


@dataclass(frozen=True, kw_only=True)
class StoredFile:
    """The file of a track at the time when it was read."""

    track_id: str
    path: str | None
    """As :mod:`segue.catalog.stored_paths` stores it."""
    size: int | None
    modified_ns: int | None
    state: State
    known: str | None
    """A digest of the data set's tables' entry for it."""
    changed_ns: int | None = None
    reader: int = 0
    """The version of the reader of tags, :data:`READER`; 0 for a release before 0.2."""
    place: str = ""
    """The id that belongs to the file's place (:func:`track_id`); the track's own id unless it has moved."""
    sketch: str | None = None
    """A digest of the sound without tags."""
    inode: int | None = None
    device: int | None = None
    away: bool = False
    """Whether its disk is away."""
    cue: CueDocument | None = None
    """The part of the file that is the track; None for the whole file."""
    lyrics_digest: str | None = None
    """A digest of the files with its lyrics."""
    pictures: str | None = None
    """A digest of the pictures beside it."""
    server_path: str | None = None
    """The path of its file on a connected server; None for a file on a disk."""

    @property
    def span(self) -> tuple[float, float | None]:
        """Start and end of the track in seconds from the beginning of the file; None for the file's end."""
        return span_of(self.cue)


@dataclass(frozen=True, kw_only=True)
class Searchable:
    """The texts of a track that the search matches."""

    track_id: str
    title: str = ""
    artist: str = ""
    album: str = ""
    genres: Sequence[str] = ()
    tags: Sequence[str] = ()


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


def path_of(track: Mapping[str, Any]) -> str:
    """The path of a track's file, here or on a connected server; empty without one."""
    return track.get("path") or (track.get("server") or {}).get("path") or ""


MATCHABLE = dict.fromkeys(("title", "artist", "album", "duration_ms", "path", "server", "details"), 1)
"""The fields that :func:`matchable_of` reads."""


def matchable_of(track: Mapping[str, Any]) -> MatchableTrack:
    """The facts for matching, from a document with the fields :data:`MATCHABLE`."""
    details = track.get("details") or {}
    ids = details.get("ids") or {}
    return MatchableTrack(
        track_id=track["_id"],
        title=track.get("title") or "",
        artist=track.get("artist") or "",
        artists=(*details.get("artists", ()), *details.get("featured", ())),
        album=track.get("album"),
        duration_ms=track.get("duration_ms"),
        path=readable(path_of(track)),
        recording=ids.get("recording"),
        release_track=ids.get("release_track"),
    )


OF_FILE = dict.fromkeys(
    (
        "path", "size", "modified_ns", "changed_ns", "state", "known", "reader", "place", "sketch", "inode",
        "device", "away_since", "cue", "lyrics_digest", "pictures", "server",
    ),
    1,
)  # fmt: skip
"""The fields that :func:`file_of` reads."""


def file_of(track: Mapping[str, Any]) -> StoredFile:
    """The file of a track, from a document with the fields :data:`OF_FILE`."""
    return StoredFile(
        track_id=track["_id"],
        path=track.get("path"),
        size=track.get("size"),
        modified_ns=track.get("modified_ns"),
        state=track.get("state", "present"),
        known=track.get("known"),
        changed_ns=track.get("changed_ns"),
        reader=track.get("reader", 0),
        place=track.get("place") or track["_id"],
        sketch=track.get("sketch"),
        inode=track.get("inode"),
        device=track.get("device"),
        away=track.get("away_since") is not None,
        cue=track.get("cue"),
        lyrics_digest=track.get("lyrics_digest"),
        pictures=track.get("pictures"),
        server_path=(track.get("server") or {}).get("path"),
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
