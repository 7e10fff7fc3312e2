"""Reads audio files into tracks of the catalogue."""

from __future__ import annotations

import hashlib
import os
import signal
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from multiprocessing import get_context
from pathlib import Path, PurePosixPath

from segue.audio import ffmpeg
from segue.audio.allowance import Allowance
from segue.audio.errors import AudioError, Undecodable
from segue.audio.payload import sketch
from segue.catalog.cover_art import Cover, find_cover
from segue.catalog.cue_songs import CueSong
from segue.catalog.cue_tags import tags_of_song
from segue.catalog.fma import FmaTrack, number_of
from segue.catalog.letters import artist_key
from segue.catalog.rejected import RejectedFile
from segue.catalog.scan import PERHAPS_VIDEO, AudioFile
from segue.catalog.stored_paths import path_to_open, readable, shown
from segue.catalog.tags import Tags, read_tags
from segue.catalog.text_encoding import AUTO
from segue.catalog.track import UNKNOWN_ARTIST, Track, TrackDetails, track_id
from segue.errors import SegueError
from segue.processes import attach_to_parent
from segue.settings import LibrarySettings

FEW = 32
"""Up to this number of files is read in this process: starting others would take longer."""

CHUNK = 64
"""The number of files that a process gets at once."""

TIME_LIMIT = 60.0
"""Seconds that the tags of one file may take (:mod:`segue.audio.allowance`)."""

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


def read_track(
    file: AudioFile, *, library: str, known: FmaTrack | None = None, reading: TagReading = AS_USUAL
) -> Outcome:
    """Read a file's tags and cover; the data set's own tables (`known`) take precedence over the tags."""
    path = path_to_open(file.path)
    own_id = track_id(library, file.within)
    try:
        with at_most(TIME_LIMIT):
            _refuse_video(path)
            relative = file.relative.parent if file.cue else file.relative
            tags, audio = read_tags(
                path,
                relative=PurePosixPath(readable(str(relative))),
                encoding=reading.encoding,
                undivided=reading.undivided,
            )
            if file.cue:
                tags = tags_of_song(tags, file.cue, path=path, undivided=reading.undivided)
    except AudioError as error:
        name = (
            f"{shown(path)}, song {file.cue.number}"
            if error.reason == "beyond-end" and file.cue
            else shown(path)
        )
        return RejectedFile(path=name, track_id=own_id, reason=error.reason, detail=error.detail)
    cover = find_cover(path, audio)
    track = Track(
        track_id=own_id,
        library=library,
        path=file.path,
        title=(known and known.title) or tags.title,
        artist=(known and known.artist) or tags.artist,
        album=(known and known.album) or tags.album,
        genres=(known and known.genres) or tags.genres,
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
        sketch=_sketch(path, tags, file.cue),
        cue=file.cue.document() if file.cue else None,
        known=known.digest() if known else None,
        fma=known.facts() if known else None,
    )
    return track, cover


def _sketch(path: Path, tags: Tags, song: CueSong | None) -> str | None:
    """The digest of the sound; that of a part of a file also has its span."""
    if song is None:
        return sketch(path, seconds=tags.duration_ms / 1000 if tags.duration_ms else None)
    whole = sketch(path)
    return whole and hashlib.sha256(f"{whole} {song.track.start} {song.track.end}".encode()).hexdigest()[:32]


def _details(tags: Tags, known: FmaTrack | None) -> TrackDetails:
    """The further facts of a file; an artist of the data set's tables replaces those of the tags."""
    if known is None or not known.artist or known.artist == tags.artist:
        return tags.details
    return replace(tags.details, artists=(known.artist,), featured=())


class _OutOfTimeError(BaseException):
    """A BaseException, since the readers of damaged tags catch every Exception; its text has the reason."""


@contextmanager
def at_most(seconds: float) -> Iterator[None]:
    """Interrupt work that exceeds the limit. Works in a main thread only, since it uses signals.

    Raises
    ------
    Undecodable
        With "too-slow".
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    allowance = Allowance(seconds, used=time.process_time)

    def check(*_: object) -> None:
        if why := allowance.exceeded():
            raise _OutOfTimeError(why)

    before = signal.signal(signal.SIGALRM, check)
    signal.setitimer(signal.ITIMER_REAL, allowance.interval, allowance.interval)
    try:
        yield
    except _OutOfTimeError as error:
        raise Undecodable("too-slow", f"reading its tags: {error}") from None
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


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
) -> Iterator[Outcome]:
    """Read files in order, on all cores; `known` has FMA's rows by track number.

    Raises
    ------
    SegueError
        Another program killed a reading process.
    """
    facts = [fact_of(file, known) for file in files]
    if len(files) <= FEW:
        yield from (
            read_track(file, library=library, known=fma_track, reading=reading)
            for file, fma_track in zip(files, facts, strict=True)
        )
        return
    context = get_context("forkserver")
    context.set_forkserver_preload([__name__])  # the imports take longer than some hundred files
    read = partial(_read_one, library=library, reading=reading)
    try:
        with ProcessPoolExecutor(os.cpu_count(), mp_context=context, initializer=attach_to_parent) as pool:
            yield from pool.map(read, files, facts, chunksize=CHUNK)
    except BrokenProcessPool:
        raise SegueError(
            "a process that reads tags was killed (out of memory?): run the command again"
        ) from None


def fact_of(file: AudioFile, known: Mapping[int, FmaTrack]) -> FmaTrack | None:
    """The row of a file in the data set's tables, if it has one."""
    number = number_of(file.relative)
    return None if number is None else known.get(number)


def _read_one(file: AudioFile, known: FmaTrack | None, *, library: str, reading: TagReading) -> Outcome:
    return read_track(file, library=library, known=known, reading=reading)


def _refuse_video(path: Path) -> None:
    """Refuse a film among the containers that may have audio alone.

    Raises
    ------
    Undecodable
        With "video".
    """
    if path.suffix.lower() in PERHAPS_VIDEO and ffmpeg.probe(path).has_video:
        raise Undecodable("video", "a film, not music")
