"""A track of the catalogue: its id, which is the same on every run and machine, its records and document."""

from __future__ import annotations

import hashlib
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path, PurePosixPath
from typing import Annotated, Any, Literal, NotRequired, TypedDict, cast

from segue.catalog.cue_part import CueDocument, span_of
from segue.catalog.letters import artist_key
from segue.catalog.levels import LevelDocument
from segue.catalog.lyrics import Lyrics
from segue.catalog.stored_paths import readable
from segue.storage.records import Between, Count, Readable

READER = 9
"""The version of the reader of tags. With a higher one, the next ingest reads all files again."""
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
    name = unicodedata.normalize("NFC", f"{library}/{without_compression(relative)}")
    return hashlib.sha256(name.encode("utf-8")).hexdigest()[:16]


def without_compression(relative: PurePosixPath) -> PurePosixPath:
    """The path of a song before it was compressed: Song.flac for Song.flac.mp3."""
    # Most names need no parsing.
    compressed = (
        relative.name.count(".") > 1
        and relative.suffix.lower() == ".mp3"
        and PurePosixPath(relative.stem).suffix.lower() in LOSSLESS
    )
    return relative.with_suffix("") if compressed else relative


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


class ServerSong(TypedDict):
    """The song of a connected server that a track is (:mod:`segue.connected`)."""

    connection: str
    """Name of the server."""
    song: str
    """Id of the song there."""
    path: str
    """Path of its file on the server; only its name if the server gives none."""


@dataclass(frozen=True, kw_only=True)
class MusicBrainzIds:
    """The ids of MusicBrainz in a file's tags: UUIDs in lower case."""

    recording: str | None = None
    release_track: str | None = None
    release: str | None = None
    release_group: str | None = None
    artists: tuple[str, ...] = ()
    album_artists: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class ReplayGain:
    """Corrections in dB to -18 LUFS, and peaks as a share of full scale. None where the tags have none."""

    track_gain: float | None = None
    track_peak: float | None = None
    album_gain: float | None = None
    album_peak: float | None = None
    base_gain: float | None = None
    """The output gain in an Opus header, in dB: every decoder has applied it already."""


@dataclass(frozen=True, kw_only=True)
class TrackDetails:
    """The facts of a track beyond its title, artist and album; see :class:`DetailsDocument`."""

    artists: tuple[str, ...] = ()
    featured: tuple[str, ...] = ()
    album_artists: tuple[str, ...] = ()
    """Empty for a compilation of various artists, and if no tag names them."""
    compilation: bool = False
    disc: int | None = None
    discs: int | None = None
    disc_title: str | None = None
    side: str | None = None
    released: str | None = None
    original_year: int | None = None
    originally_released: str | None = None
    edition: str | None = None
    title_sort: str | None = None
    artist_sort: str | None = None
    album_sort: str | None = None
    album_artist_sort: str | None = None
    ids: MusicBrainzIds = field(default_factory=MusicBrainzIds)
    replay_gain: ReplayGain = field(default_factory=ReplayGain)


@dataclass(frozen=True, kw_only=True)
class Track:
    """A track with all its stored fields."""

    track_id: str
    library: str
    path: str | None
    """Absolute, on the machine that read it. Path, size and time are None without audio, the path also if the
    sound is on a connected server."""
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
    details: TrackDetails = field(default_factory=TrackDetails)
    changed_ns: int | None = None
    """Time of the last change by the file system's own note, in nanoseconds since 1970."""
    inode: int | None = None
    device: int | None = None
    place: str | None = None
    """The id that belongs to the file's place; None: the track's own id."""
    sketch: str | None = None
    """A digest of the sound without tags (:func:`segue.audio.payload.sketch`)."""
    cue: CueDocument | None = None
    """The part of the file that is the track; None for the whole file."""
    lyrics: tuple[Lyrics, ...] = ()
    """Stored in the collection `lyrics`."""
    lyrics_digest: str | None = None
    """A digest of the files with its lyrics (:mod:`segue.catalog.lyrics_files`)."""
    spoken: bool = False
    """Whether it is an audiobook, a podcast or the like (:mod:`segue.catalog.spoken`)."""
    modified_ns: int | None
    """Time of the last change, in nanoseconds since 1970."""
    state: State = "present"
    known: str | None = None
    """A digest of the data set's tables' entry for it."""
    fma: FmaFacts | None = None
    """Facts from FMA's tables: see :meth:`segue.catalog.fma.FmaTrack.facts`."""
    server: ServerSong | None = None
    """Where the sound is, if it is on a connected server."""


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


class DetailsDocument(TypedDict, total=False):
    """The fields of :class:`TrackDetails` that have a value."""

    artists: list[str]
    """Main artists."""
    featured: list[str]
    """Featured artists."""
    album_artists: list[str]
    """Artists of the album, if the tags name them."""
    compilation: bool
    """Whether the album is a compilation of various artists."""
    disc: int
    """Number of the disc."""
    discs: int
    """Number of the album's discs."""
    disc_title: str
    """Title of the disc."""
    side: str
    """Side of a record or cassette: a capital letter."""
    released: str
    """Date of this release: a year, a month or a day, as in `1994-08-22`."""
    original_year: int
    """Year of the first release."""
    originally_released: str
    """Date of the first release."""
    edition: str
    """Edition of the album, such as `Deluxe Edition`."""
    title_sort: str
    """Title by which it is sorted."""
    artist_sort: str
    """Artist by which it is sorted."""
    album_sort: str
    """Album by which it is sorted."""
    album_artist_sort: str
    """Artist of the album by which it is sorted."""
    ids: dict[str, str | list[str]]
    """MusicBrainz ids: recording, release_track, release, release_group, artists, album_artists."""
    replay_gain: dict[str, float]
    """Corrections of the loudness in dB, and peaks, from the tags."""


class TrackDocument(TypedDict):
    """A document of `tracks`; see :class:`segue.catalog.track.Track`."""

    _id: str
    """The track's id: 16 hexadecimal digits."""
    library: str
    """Name of the library."""
    path: str | None
    """Absolute path of the file on the machine that read it; none without audio, or on a connected server."""
    server: NotRequired[ServerSong]
    """Song of a connected server that has the sound."""
    file_key: NotRequired[str | None]
    """Name of the file without folders, in lower case and composed form, for the matching of playlists."""
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
    changed_ns: NotRequired[int | None]
    """Time of the last change by the file system's own note, which no program can set."""
    inode: NotRequired[int | None]
    """Number of the file on its file system."""
    device: NotRequired[int | None]
    """Number of the file system."""
    place: NotRequired[str]
    """The id that belongs to the file's place; it differs from the track's id if the file has moved."""
    sketch: NotRequired[str | None]
    """Digest of the sound without tags: its size and samples of it."""
    cue: NotRequired[CueDocument | None]
    """Part of the file that is the track, by a CUE sheet; none for the whole file."""
    lyrics_digest: NotRequired[str | None]
    """Digest of the languages, sizes and times of the files with its lyrics; none without such files."""
    spoken: NotRequired[bool]
    """Whether it is an audiobook, a podcast or the like, which is not recommended."""
    missing_since: NotRequired[datetime]
    """When a scan first missed the file of a vanished track."""
    away_since: NotRequired[datetime]
    """Since when the disk with the file is away; only while it is."""
    reader: NotRequired[int]
    """Version of the reader of tags; a newer one reads the file again."""
    added_at: NotRequired[datetime]
    """When the track came into the library; it never changes."""
    details: NotRequired[DetailsDocument]
    """Further facts from the tags."""
    artist_keys: NotRequired[list[str]]
    """Keys of all its artists, the main ones first: :func:`segue.catalog.letters.artist_key`."""
    album_id: NotRequired[str | None]
    """Id of its album in `albums`; none without an album."""
    album_key: NotRequired[str]
    """Name of the album for comparison; empty without an album."""
    counted: NotRequired[list[str]]
    """Keys of the artists in `artists` that count the track."""
    loudness: NotRequired[LevelDocument]
    """Loudness of the file, as `library features` and `library update` measure it."""
    grouped: NotRequired[int]
    """Version of the grouping that assigned the album; 0 or none until then."""
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


def file_key(name: str) -> str:
    """The name of a file for comparison: file systems differ in case and in the form of accents."""
    return unicodedata.normalize("NFC", name).casefold()


def file_name(path: str) -> str:
    """The last part of a path."""
    return PurePosixPath(path).name


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


def first_genre(genres: Sequence[str] | None) -> str | None:
    """The main genre, if any."""
    return genres[0] if genres else None


def document_of(track: Track) -> TrackDocument:
    """The document of a track."""
    path = track.path or (track.server["path"] if track.server else None)
    document: TrackDocument = {
        "_id": track.track_id,
        "library": track.library,
        "path": track.path,
        # The name of a recording with several songs stands for none of them.
        "file_key": file_key(file_name(readable(path))) if path and not track.cue else None,
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
        "changed_ns": track.changed_ns,
        "inode": track.inode,
        "device": track.device,
        "place": track.place or track.track_id,
        "sketch": track.sketch,
        "cue": track.cue,
        "lyrics_digest": track.lyrics_digest,
        "spoken": track.spoken,
        "reader": READER,
        "details": _details_document(track.details),
        "artist_keys": artist_keys(track.details.artists or (track.artist,), track.details.featured),
        "grouped": 0,
        "state": track.state,
    }
    if track.known is not None:
        document |= {"known": track.known, "fma": track.fma}
    if track.server is not None:
        document |= {"server": track.server}
    return document


def artist_keys(*names: Sequence[str]) -> list[str]:
    """The keys of artists, each once; an unknown artist has none."""
    keys = [artist_key(name) for group in names for name in group if name != UNKNOWN_ARTIST]
    return [key for key in dict.fromkeys(keys) if key]


def _details_document(details: TrackDetails) -> DetailsDocument:
    return cast(DetailsDocument, _given(details))


def _given(record: Any) -> dict[str, Any]:
    """The fields of a record that have a value; dataclasses.asdict, which copies all, is slow.

    A gain of 0 dB is a value.
    """
    fields: dict[str, Any] = {}
    for name, value in vars(record).items():
        if value is None or value is False or value == ():
            continue
        if isinstance(value, tuple):
            fields[name] = list(value)
        elif not isinstance(value, _RECORDS):
            fields[name] = value
        elif inner := _given(value):
            fields[name] = inner
    return fields


_RECORDS = (MusicBrainzIds, ReplayGain)
"""The records within :class:`TrackDetails`."""
