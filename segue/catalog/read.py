"""Reads audio files into tracks of the catalogue."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from functools import partial
from multiprocessing import get_context
from pathlib import Path

from segue.audio.allowance import Allowance
from segue.audio.errors import AudioError, Undecodable
from segue.catalog.cover_art import Cover, find_cover
from segue.catalog.fma import FmaTrack, number_of
from segue.catalog.rejected import RejectedFile
from segue.catalog.scan import AudioFile
from segue.catalog.tags import read_tags
from segue.catalog.track import UNKNOWN_ARTIST, Track, track_id
from segue.errors import SegueError
from segue.processes import attach_to_parent

FEW = 32
"""Up to this number of files is read in this process: starting others would take longer."""

TIME_LIMIT = 60.0
"""Seconds that the tags of one file may take (:mod:`segue.audio.allowance`)."""

Outcome = tuple[Track, Cover | None] | RejectedFile


def read_track(file: AudioFile, *, library: str, known: FmaTrack | None = None) -> Outcome:
    """Read a file's tags and cover; the data set's own tables (`known`) take precedence over the tags."""
    path = Path(file.path)
    own_id = track_id(library, file.relative)
    try:
        with at_most(TIME_LIMIT):
            tags, audio = read_tags(path, relative=file.relative)
    except AudioError as error:
        return RejectedFile(path=file.path, track_id=own_id, reason=error.reason, detail=error.detail)
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
        size=file.size,
        modified_ns=file.modified_ns,
        known=known.digest() if known else None,
        fma=known.facts() if known else None,
    )
    return track, cover


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
    files: Sequence[AudioFile], *, library: str, known: Mapping[int, FmaTrack]
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
            read_track(file, library=library, known=fma_track)
            for file, fma_track in zip(files, facts, strict=True)
        )
        return
    context = get_context("forkserver")
    read = partial(_read_one, library=library)
    try:
        with ProcessPoolExecutor(os.cpu_count(), mp_context=context, initializer=attach_to_parent) as pool:
            yield from pool.map(read, files, facts, chunksize=16)
    except BrokenProcessPool:
        raise SegueError(
            "a process that reads tags was killed (out of memory?): run the command again"
        ) from None


def fact_of(file: AudioFile, known: Mapping[int, FmaTrack]) -> FmaTrack | None:
    """The row of a file in the data set's tables, if it has one."""
    number = number_of(file.relative)
    return None if number is None else known.get(number)


def _read_one(file: AudioFile, known: FmaTrack | None, *, library: str) -> Outcome:
    return read_track(file, library=library, known=known)
