"""The documents of `tracks`."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal, NotRequired, TypedDict

from segue.catalog.cue_part import CueDocument
from segue.catalog.levels import LevelDocument
from segue.storage.records import Between, Count, Readable

State = Literal["present", "vanished", "no-audio"]
"""Its file exists; has vanished; or was never usable, and only a data set's tables have the track."""


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
    pictures: NotRequired[str | None]
    """Digest of the names, sizes and times of the pictures beside the file; none without pictures."""
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
