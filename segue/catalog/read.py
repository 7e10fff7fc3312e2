"""Reads audio files into tracks of the catalogue."""

from __future__ import annotations

import gc
import hashlib
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, replace
from functools import partial
from multiprocessing import get_context
from pathlib import Path, PurePosixPath
from typing import BinaryIO, NamedTuple

from segue.audio import ffmpeg
from segue.audio.contents import contents_of
from segue.audio.errors import AudioError, Undecodable
from segue.audio.payload import sketch
from segue.audio.time_limit import at_most
from segue.catalog.cover_art import Cover, find_cover, forget_folders
from segue.catalog.cue_inside import songs_inside
from segue.catalog.cue_songs import CueSong
from segue.catalog.cue_tags import tags_of_song
from segue.catalog.fma import FmaTrack, number_of
from segue.catalog.letters import artist_key
from segue.catalog.lyrics import Lyrics, in_order
from segue.catalog.lyrics_files import MOST, digest_of, lyrics_beside
from segue.catalog.rejected import INVALID_CUE, OF_CONTENTS, FileStamp, RejectedFile
from segue.catalog.scan import PERHAPS_VIDEO, AudioFile
from segue.catalog.spoken import is_spoken
from segue.catalog.stored_paths import path_to_open, readable, shown
from segue.catalog.tags import Tags, read_tags
from segue.catalog.text_encoding import AUTO
from segue.catalog.track import READER, UNKNOWN_ARTIST, Track, TrackDetails, track_id
from segue.errors import SegueError
from segue.processes import attach_to_parent
from segue.settings import LibrarySettings

FEW = 32
"""Up to this number of files is read in this process: starting others would take longer."""

CHUNK = 64
"""The number of files that a process gets at once."""

TIME_LIMIT = 60.0
"""Seconds that the tags of one file may take (:mod:`segue.audio.allowance`)."""

_OF_MACHINE = re.compile(r"Input/output|allocate|temporarily|Stale|timed out|denied|it has no sound")
"""In what ffmpeg says of a file, or where it says nothing: it may have been killed."""
Outcome = tuple[Track, Cover | None] | RejectedFile


@dataclass(frozen=True, kw_only=True)
class TagReading:
    """How tags are read: the settings of `[library]`, prepared."""

    encoding: str = AUTO
    undivided: frozenset[str] = frozenset()

    @classmethod
    def by(cls, settings: LibrarySettings) -> TagReading:
        """The reading that the settings ask for."""
        return cls(
            encoding=settings.tag_encoding,
            undivided=frozenset(artist_key(name) for name in settings.undivided_artists),
        )


AS_USUAL = TagReading()


def read_file(
    file: AudioFile, *, library: str, known: FmaTrack | None = None, reading: TagReading = AS_USUAL
) -> list[Outcome]:
    """Read a file's tags and cover; the data set's own tables (`known`) take precedence over the tags.

    Returns
    -------
    The track, or those of the songs into which a CUE sheet in the tags divides the file. A sheet there that
    cannot be used is a further outcome, with the reason "invalid-cue".
    """
    try:
        path = path_to_open(file.path)
        with contents_of(path) as data:
            return _outcomes(file, path, data, library=library, known=known, reading=reading)
    except AudioError as error:
        return [_rejected(file, error, library=library)]


def _outcomes(
    file: AudioFile,
    path: Path,
    data: BinaryIO,
    *,
    library: str,
    known: FmaTrack | None,
    reading: TagReading,
) -> list[Outcome]:
    faults: list[Outcome] = []
    songs: list[CueSong] = []
    with at_most(TIME_LIMIT):
        _refuse_video(path)
        relative = file.relative.parent if file.cue else file.relative
        tags, audio = read_tags(
            path,
            relative=_readable(relative),
            encoding=reading.encoding,
            undivided=reading.undivided,
            data=data,
        )
        if file.cue is None and known is None:
            songs, fault = songs_inside(path, audio, tags.cue_sheet)
            faults = [_with_invalid_sheet(file, fault, library=library)] if fault else []
    if file.lyrics:
        beside, unusable = _lyrics_beside(file, library=library, encoding=reading.encoding)
        tags = replace(tags, lyrics=in_order((*beside, *tags.lyrics), most=MOST))
        faults = [*faults, *unusable]
    cover = find_cover(path, audio, data=data)
    whole = _Whole(path=path, tags=tags, cover=cover, data=data)
    parts = list(map(file.part, songs)) or [file]
    return [
        *(_outcome(part, whole, library=library, known=known, reading=reading) for part in parts),
        *faults,
    ]


def _readable(relative: PurePosixPath) -> PurePosixPath:
    text = str(relative)
    return relative if text.isascii() else PurePosixPath(readable(text))


class _Whole(NamedTuple):
    """A file: its path, tags, cover and contents."""

    path: Path
    tags: Tags
    cover: Cover | None
    data: BinaryIO


def stamp_of(file: AudioFile) -> FileStamp:
    """The stamp of a file that may be rejected."""
    return file.size, file.modified_ns, file.changed_ns, READER


def _is_of_contents(error: AudioError) -> bool:
    """Whether a fault lasts as long as the file is the same: not one of its disk, or of the machine."""
    return error.reason in OF_CONTENTS and not _OF_MACHINE.search(error.detail)


def _rejected(file: AudioFile, error: AudioError, *, library: str) -> RejectedFile:
    name = shown(path_to_open(file.path))
    if error.reason == "beyond-end" and file.cue:
        name = f"{name}, song {file.cue.number}"
    own_id = track_id(library, file.within)
    return RejectedFile(
        path=name,
        track_id=own_id,
        reason=error.reason,
        detail=error.detail,
        stamp=stamp_of(file) if _is_of_contents(error) else None,
    )


def _with_invalid_sheet(file: AudioFile, fault: str, *, library: str) -> RejectedFile:
    name, own_id = f"{shown(path_to_open(file.path))}, CUESHEET", track_id(library, file.within)
    return RejectedFile(path=name, track_id=own_id, reason=INVALID_CUE, detail=fault)


def _lyrics_beside(
    file: AudioFile, *, library: str, encoding: str
) -> tuple[list[Lyrics], list[RejectedFile]]:
    own_id = track_id(library, file.within)
    found = list(lyrics_beside(file.lyrics, encoding=encoding, track_id=own_id))
    lyrics = [one for one in found if not isinstance(one, RejectedFile)]
    return lyrics, [one for one in found if isinstance(one, RejectedFile)]


def _outcome(
    file: AudioFile, whole: _Whole, *, library: str, known: FmaTrack | None, reading: TagReading
) -> Outcome:
    """The track of a file, or of a part of it, with the tags of the whole file."""
    path, tags, cover, within = whole.path, whole.tags, whole.cover, file.within
    if file.cue:
        try:
            tags = tags_of_song(tags, file.cue, path=path, undivided=reading.undivided)
        except AudioError as error:
            return _rejected(file, error, library=library)
    genres = (known and known.genres) or tags.genres
    track = Track(
        track_id=track_id(library, within),
        library=library,
        path=file.path,
        title=(known and known.title) or tags.title,
        artist=(known and known.artist) or tags.artist,
        album=(known and known.album) or tags.album,
        genres=genres,
        tags=tuple(dict.fromkeys([*(known.tags if known else ()), *tags.labels])),
        duration_ms=tags.duration_ms,
        track=(known and known.number) or tags.track,
        year=(known and known.year) or tags.year,
        cover_id=cover.cover_id if cover else None,
        details=_details(tags, known),
        size=file.size,
        modified_ns=file.modified_ns,
        changed_ns=file.changed_ns,
        inode=file.inode,
        device=file.device,
        sketch=_sketch(path, tags, file.cue, data=whole.data),
        cue=file.cue.document() if file.cue else None,
        lyrics=tags.lyrics,
        lyrics_digest=digest_of(file.lyrics),
        pictures=file.pictures,
        spoken=is_spoken(within, library=library, genres=genres, duration_ms=tags.duration_ms),
        known=known.digest() if known else None,
        fma=known.facts() if known else None,
    )
    return track, cover


def _sketch(path: Path, tags: Tags, song: CueSong | None, *, data: BinaryIO) -> str | None:
    """The digest of the sound; that of a part of a file also has its span."""
    if song is None:
        return sketch(path, seconds=tags.duration_ms / 1000 if tags.duration_ms else None, data=data)
    whole = sketch(path, data=data)
    return whole and hashlib.sha256(f"{whole} {song.track.start} {song.track.end}".encode()).hexdigest()[:32]


def _details(tags: Tags, known: FmaTrack | None) -> TrackDetails:
    """The further facts of a file; an artist of the data set's tables replaces those of the tags."""
    if known is None or not known.artist or known.artist == tags.artist:
        return tags.details
    return replace(tags.details, artists=(known.artist,), featured=())


def without_audio(own_id: str, known: FmaTrack, *, library: str) -> Track:
    """A track that the data set's tables have but that has no usable file."""
    return Track(
        track_id=own_id,
        library=library,
        path=None,
        title=known.title,
        artist=known.artist or UNKNOWN_ARTIST,
        album=known.album,
        genres=known.genres,
        tags=known.tags,
        duration_ms=None,
        track=known.number,
        year=known.year,
        cover_id=None,
        size=None,
        modified_ns=None,
        state="no-audio",
        known=known.digest(),
        fma=known.facts(),
    )


def read_tracks(
    files: Sequence[AudioFile],
    *,
    library: str,
    known: Mapping[int, FmaTrack],
    reading: TagReading = AS_USUAL,
) -> Iterator[list[Outcome]]:
    """The outcomes of files in order, read on all cores; `known` has FMA's rows by track number.

    Raises
    ------
    SegueError
        Another program killed a reading process.
    """
    facts = [fact_of(file, known) for file in files]
    if len(files) <= FEW:
        forget_folders()
        yield from (
            read_file(file, library=library, known=fma_track, reading=reading)
            for file, fma_track in zip(files, facts, strict=True)
        )
        return
    context = get_context("forkserver")
    context.set_forkserver_preload([__name__])  # the imports take longer than some hundred files
    read = partial(_read_one, library=library, reading=reading)
    try:
        with ProcessPoolExecutor(os.cpu_count(), mp_context=context, initializer=_begin) as pool:
            yield from pool.map(read, files, facts, chunksize=CHUNK)
    except BrokenProcessPool:
        raise SegueError(
            "a process that reads tags was killed (out of memory?): run the command again"
        ) from None


def _begin() -> None:
    attach_to_parent()
    gc.freeze()  # no search for garbage among all that was imported


def fact_of(file: AudioFile, known: Mapping[int, FmaTrack]) -> FmaTrack | None:
    """The row of a file in the data set's tables, if it has one."""
    if not known:
        return None
    number = number_of(file.relative)
    return None if number is None else known.get(number)


def _read_one(file: AudioFile, known: FmaTrack | None, *, library: str, reading: TagReading) -> list[Outcome]:
    return read_file(file, library=library, known=known, reading=reading)


def _refuse_video(path: Path) -> None:
    """Refuse a film among the containers that may have audio alone.

    Raises
    ------
    Undecodable
        With "video".
    """
    if path.suffix.lower() in PERHAPS_VIDEO and ffmpeg.probe(path).has_video:
        raise Undecodable("video", "a film, not music")
