"""The demo library: Segue composes music, so that users can try it without a music collection.

:data:`COMPOSER` and the discography determine everything: a version makes the same sound on any machine.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing import get_context
from pathlib import Path

import numpy as np
from mutagen import MutagenError
from numpy.typing import NDArray

from segue.demo.discography import TRACKS, DemoTrack
from segue.demo.mixing import mastered
from segue.demo.mp3 import encode, stamp_of, tag
from segue.demo.sketch import Sketch
from segue.demo.styles import STYLES as _STYLES
from segue.errors import SegueError
from segue.processes import attach_to_parent

__all__ = ["COMPOSER", "STYLES", "TRACKS", "DemoTrack", "compose", "compose_library", "sketch_of"]

STYLES: tuple[str, ...] = tuple(_STYLES)
"""The eight styles, which are the genre tags of the tracks."""

COMPOSER = "Segue demo composer 1"
"""The encoder tag of every file; a track with another tag is composed again. Increase the number with every
change of the sound, the tags or the covers."""

Progress = Callable[[int, int], None]
"""Called with (finished tracks, all tracks) at the start and after each track."""


def sketch_of(track: DemoTrack) -> Sketch:
    """The sketch of a track; tracks of a style differ in tempo, key and progression."""
    style = _STYLES[track.style]
    place, shelf = track.place, STYLES.index(track.style)
    slow, fast = style.tempos
    share = (place * 3 % 8 + 0.5) / 8
    return Sketch(
        rng=np.random.default_rng([1729, shelf, place]),
        tempo=slow + (fast - slow) * share,
        tonic=(place * 5 + shelf * 2) % 12,
        progression=style.progressions[place % len(style.progressions)],
    )


def compose(track: DemoTrack) -> NDArray[np.int16]:
    """The finished sound of a track: 16-bit stereo of shape (samples, 2) at 44,100 Hz."""
    slow_start = 1.2 if track.style == "Ambient" else 0.02
    return np.round(
        mastered(_STYLES[track.style].compose(sketch_of(track)), fade_in=slow_start) * 32767.0
    ).astype("<i2")


def compose_library(
    folder: Path,
    *,
    progress: Progress | None = None,
    tracks: Sequence[DemoTrack] = TRACKS,
    workers: int | None = None,
) -> list[DemoTrack]:
    """Compose the tracks that ``folder`` lacks, as ``Artist/Album/NN Title.mp3`` with tags and a cover.

    A track appears under its name only when it is complete: the next run resumes an interrupted one, and a
    run on a complete library changes nothing. Other files in the folder stay unchanged.

    Parameters
    ----------
    progress
        Called as ``progress(done, total)``, in this process.
    workers
        The number of processes: all processors by default; with 1, only the calling process.

    Returns
    -------
    list of DemoTrack
        All of ``tracks``; the file of a track is ``folder / track.relative_path``.

    Raises
    ------
    SegueError
        The folder cannot be written to, the mp3 encoder failed, or a process was killed.
    """
    missing = [track for track in tracks if stamp_of(folder / track.relative_path) != COMPOSER]
    done = len(tracks) - len(missing)
    report = progress or (lambda _done, _total: None)
    report(done, len(tracks))
    for _ in _composed(folder, missing, workers=workers or os.cpu_count() or 1):
        done += 1
        report(done, len(tracks))
    return list(tracks)


def _composed(folder: Path, tracks: Sequence[DemoTrack], *, workers: int) -> Iterator[None]:
    """Compose the tracks, yielding after each; processes are spawned, which is safe next to threads."""
    if workers == 1 or len(tracks) < 2:
        for track in tracks:
            _compose_file(folder, track)
            yield
        return
    pool = ProcessPoolExecutor(
        min(workers, len(tracks)), mp_context=get_context("spawn"), initializer=attach_to_parent
    )
    try:
        for finished in as_completed([pool.submit(_compose_file, folder, track) for track in tracks]):
            finished.result()
            yield
    except BrokenProcessPool as error:
        raise SegueError(
            "a composing process was killed: run the command again (finished tracks are kept)"
        ) from error
    finally:
        pool.shutdown(cancel_futures=True)


def _compose_file(folder: Path, track: DemoTrack) -> None:
    """Write one track under a temporary name, then rename it."""
    path = folder / track.relative_path
    part = path.with_name(f".{path.name}.part")
    with _writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        encode(compose(track), part)
        tag(part, track, stamp=COMPOSER)
        part.replace(path)


@contextmanager
def _writing(path: Path) -> Iterator[None]:
    try:
        yield
    except (OSError, MutagenError) as error:
        raise SegueError(
            f"cannot write the demo track {path}: {error}; give another folder or make room"
        ) from error
