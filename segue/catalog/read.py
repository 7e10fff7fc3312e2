"""From audio files to tracks of the catalogue."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from functools import partial
from multiprocessing import get_context
from pathlib import Path

from segue.audio.errors import AudioError
from segue.catalog.covers import Cover, find_cover
from segue.catalog.fma import FmaTrack, number_of
from segue.catalog.scan import AudioFile
from segue.catalog.tags import read_tags
from segue.catalog.tracks import Rejected, Track, track_id
from segue.errors import SegueError

FEW = 32
"""Up to so many files are read in this process: starting others would take longer."""

Outcome = tuple[Track, Cover | None] | Rejected


def read_track(file: AudioFile, *, library: str, known: FmaTrack | None = None) -> Outcome:
    """Read a file's tags and cover; what is `known` from a data set's own tables goes before the tags."""
    path = Path(file.path)
    own_id = track_id(library, file.relative)
    try:
        tags, audio = read_tags(path, relative=file.relative)
    except AudioError as error:
        return Rejected(path=file.path, track_id=own_id, reason=error.reason, detail=error.detail)
    cover = find_cover(path, audio)
    track = Track(
        track_id=own_id,
        library=library,
        path=file.path,
        title=(known and known.title) or tags.title,
        artist=(known and known.artist) or tags.artist,
        album=(known and known.album) or tags.album,
        genres=(known and known.genres) or tags.genres,
        duration_ms=tags.duration_ms,
        track=tags.track,
        year=tags.year,
        cover_id=cover.cover_id if cover else None,
        size=file.size,
        modified_ns=file.modified_ns,
        more=known.document() if known else {},
    )
    return track, cover


def read_tracks(
    files: Sequence[AudioFile], *, library: str, known: Mapping[int, FmaTrack]
) -> Iterator[Outcome]:
    """Read files in their order, over all cores; `known` holds facts by FMA's track number.

    Raises
    ------
    SegueError
        A reading process was ended from outside.
    """
    facts = [known.get(number_of(file.relative) or -1) for file in files]
    if len(files) <= FEW:
        yield from (
            read_track(file, library=library, known=fact) for file, fact in zip(files, facts, strict=True)
        )
        return
    context = get_context("forkserver")
    read = partial(_read_one, library=library)
    try:
        with ProcessPoolExecutor(
            os.cpu_count(), mp_context=context, initializer=_leave_ctrl_c_to_parent
        ) as pool:
            yield from pool.map(read, files, facts, chunksize=16)
    except BrokenProcessPool:
        raise SegueError(
            "a process that reads tags was ended from outside (out of memory?): run it again"
        ) from None


def _read_one(file: AudioFile, known: FmaTrack | None, *, library: str) -> Outcome:
    return read_track(file, library=library, known=known)


def _leave_ctrl_c_to_parent() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
