"""A track of the catalogue: its facts, its document, and its id, which is the same on every run."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any, cast

from segue.catalog.cue_part import CueDocument
from segue.catalog.letters import artist_key
from segue.catalog.lyrics import Lyrics
from segue.catalog.stored_paths import readable
from segue.catalog.track_document import DetailsDocument, FmaFacts, ServerSong, State, TrackDocument
from segue.normal_forms import normalised

READER = 10
"""The version of the reader of tags. With a higher one, the next ingest reads all files again."""
LONGEST = 300
"""The maximum length of a text in characters: ingest stores no longer ones, and pages show no more."""
UNKNOWN_ARTIST = "Unknown artist"
"""The artist of a track without an artist tag."""
LOSSLESS = frozenset({".flac", ".wav"})
"""A compressed song keeps the full name of the lossless file before its own suffix: Song.flac.mp3."""


def track_id(library: str, relative: PurePosixPath) -> str:
    """The id of the track at a path within a library: 16 hexadecimal digits.

    The path is normalised to Unicode's composed form, since macOS stores names decomposed. A lossless song
    that was compressed (Song.flac to Song.flac.mp3) keeps its id.
    """
    name = normalised("NFC", f"{library}/{without_compression(relative)}")
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
    pictures: str | None = None
    """A digest of the pictures beside its file (:mod:`segue.catalog.pictures`)."""
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


def file_key(name: str) -> str:
    """The name of a file for comparison: file systems differ in case and in the form of accents."""
    return normalised("NFC", name).casefold()


def file_name(path: str) -> str:
    """The last part of a path."""
    return PurePosixPath(path).name


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
        "pictures": track.pictures,
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
