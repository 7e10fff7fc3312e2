"""`./run.sh library ingest`: brings the catalogue in line with a folder of music.

Delivery: every write is an upsert by track id, cover id or path. The next run completes an interrupted one,
and a repeated run changes nothing.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import timedelta
from itertools import islice
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import TimeRemainingColumn

from segue.batch_jobs.bars import counting
from segue.catalog.covers import Covers
from segue.catalog.fma import FmaTrack, Layout, find_layout, path_of
from segue.catalog.library import check_folder, find_music
from segue.catalog.read import AS_USUAL, Outcome, TagReading, fact_of, read_tracks, without_audio
from segue.catalog.rejected import RejectedFile, RejectedTracks
from segue.catalog.scan import FORMATS, AudioFile, is_settled, shown
from segue.catalog.track import READER, StoredFile, track_id
from segue.catalog.tracks import Tracks
from segue.collections import prepare
from segue.counted import counted
from segue.errors import SegueError, one_line_errors
from segue.figures import JsonFile, can_write, say, write_figures
from segue.local.stack import connected
from segue.settings import load_settings
from segue.storage.store import Job, Store, open_store

WRITE_EVERY = 256


@dataclass(frozen=True, kw_only=True)
class IngestSummary:
    """The result of a run; `tracks` is the present number in the library."""

    library: str
    tracks: int
    new: int
    changed: int
    unchanged: int
    vanished: int
    rejected: int
    reasons: dict[str, int]
    """The number of rejected files by reason."""
    listed: int
    """Tracks in FMA's tables; 0 for another kind of library."""
    without_audio: int
    """Those of the listed tracks without a usable file: stored with the state "no-audio"."""
    without_metadata: int
    """Files in FMA's folders that are in no table: ingested with their tags."""
    waiting: int
    """New and changed files that are left to a later run, since they may still be written."""
    seconds: float


def ingest_catalog(
    folder: Annotated[
        Path,
        typer.Argument(help=f"The folder of music, with subfolders. Formats: {FORMATS}."),
    ],
    name: Annotated[
        str | None,
        typer.Option(help="Name of the library, part of its track ids. Default: the folder's name."),
    ] = None,
    fma: Annotated[
        bool,
        typer.Option(
            "--fma", help="Fail unless the folder has FMA's layout. Without it, the layout is detected."
        ),
    ] = False,
    everything: Annotated[
        bool, typer.Option("--all", help="Read unchanged files, too: after a change of [library].")
    ] = False,
    json_file: JsonFile = None,
) -> None:
    """Read the tracks of a folder into the catalogue.

    Only new and changed files are read. Tracks whose files are missing are marked as vanished.
    ./run.sh library rejected lists unusable files with the reason. A second run changes nothing.

    Example: ./run.sh library ingest ~/Music

    Example: ./run.sh library ingest --fma /data/fma --name fma
    """
    with one_line_errors():
        can_write(json_file)
        settings = connected(load_settings(), kafka=False)
        store = open_store(settings)
        prepare(store, Job.CATALOGUE)
        reading = TagReading.by(settings.library)
        summary = run(store, folder, name=name, fma=fma, everything=everything, reading=reading)
        write_figures(json_file, asdict(summary))
        say(
            f"{summary.library}: {counted(summary.tracks, 'track')}; "
            f"{summary.new} new, {summary.changed} changed, "
            f"{summary.unchanged} unchanged, {summary.vanished} vanished, {summary.rejected} rejected"
            f"{_counted(summary.reasons)} ({summary.seconds:.1f} s)",
            json_file,
        )
        if summary.listed:
            say(
                f"FMA's tables list {counted(summary.listed, 'track')}: {summary.without_audio} of them "
                f"without usable audio here; files in no table: {summary.without_metadata}",
                json_file,
            )


def _counted(reasons: Mapping[str, int]) -> str:
    counts = ", ".join(f"{count} {reason}" for reason, count in sorted(reasons.items()))
    return f": {counts}" if counts else ""


def run(
    store: Store,
    folder: Path,
    *,
    name: str | None = None,
    fma: bool = False,
    quiet: bool = False,
    everything: bool = False,
    reading: TagReading = AS_USUAL,
    settle_time: timedelta = timedelta(0),
) -> IngestSummary:
    """Bring the catalogue's tracks, covers and rejected files in line with a folder.

    New and changed files whose last change is not older than `settle_time` are left as they are.

    Raises
    ------
    SegueError
        The folder does not exist or has no music (an unmounted disk must not empty the catalogue), or the
        library's name belongs to another existing folder.
    """
    began = time.monotonic()
    root = check_folder(folder)
    library = name or root.name or "music"
    layout = _layout_of(root, fma=fma)
    contents = find_music(root, library=library, layout=layout)
    tracks = Tracks(store)
    tracks.forget_damaged(library)
    stored = tracks.files_of(library)
    _check_same_folder(stored.values(), root, library)
    tracks.date_old_tracks(library)

    facts = {own_id: fact_of(file, contents.known) for own_id, file in contents.files.items()}
    same = {
        own_id
        for own_id, file in contents.files.items()
        if not everything and _is_unchanged(stored.get(own_id), file, facts[own_id])
    }
    other = {own_id: file for own_id, file in contents.files.items() if own_id not in same}
    now = time.time_ns()
    waiting = {own_id for own_id, file in other.items() if not is_settled(file, settle_time, now_ns=now)}
    to_read = {own_id: file for own_id, file in other.items() if own_id not in waiting}
    paths = {own_id: contents.files[own_id].path for own_id in same}
    tracks.move({own_id: path for own_id, path in paths.items() if stored[own_id].path != path})

    read, rejected = _read_and_write(
        store, to_read.values(), library=library, known=contents.known, quiet=quiet, reading=reading
    )
    rejected = [*contents.rejected, *rejected]
    gone = _vanished(stored.values(), present=same | read | waiting, rejected=rejected)
    tracks.mark_vanished(gone)
    RejectedTracks(store).replace_library(rejected, library=library)
    silent = _keep_without_audio(tracks, contents.known, library=library)
    return IngestSummary(
        library=library,
        tracks=tracks.count_present(library),
        new=len(read - stored.keys()),
        changed=len(read & stored.keys()),
        unchanged=len(same),
        vanished=len(gone),
        rejected=len(rejected),
        reasons=dict(Counter(item.reason for item in rejected)),
        listed=len(contents.known),
        without_audio=silent,
        without_metadata=sum(facts[own_id] is None for own_id in same | read) if layout else 0,
        waiting=len(waiting),
        seconds=round(time.monotonic() - began, 2),
    )


def _layout_of(root: Path, *, fma: bool) -> Layout | None:
    if (layout := find_layout(root)) is None and fma:
        raise SegueError(
            f"{root} has no fma_metadata/tracks.csv: put FMA's metadata and audio folders side by side"
        )
    return layout


def _check_same_folder(stored: Iterable[StoredFile], root: Path, library: str) -> None:
    """Refuse a second folder with the same name: each run would mark the other's tracks as vanished."""
    for file in stored:
        if file.state != "present" or file.path is None:
            continue
        path = Path(file.path)
        if not path.is_relative_to(root) and path.exists():
            raise SegueError(
                f"the library {library!r} has {shown(path)}, which is not in {root}: give another --name"
            )


def _is_unchanged(stored: StoredFile | None, file: AudioFile, fma_track: FmaTrack | None) -> bool:
    return (
        stored is not None
        and stored.state == "present"
        and stored.reader == READER
        and stored.known == (fma_track and fma_track.digest())
        and (stored.size, stored.modified_ns, stored.changed_ns)
        == (file.size, file.modified_ns, file.changed_ns)
    )


def _read_and_write(
    store: Store,
    files: Iterable[AudioFile],
    *,
    library: str,
    known: Mapping[int, FmaTrack],
    quiet: bool,
    reading: TagReading,
) -> tuple[set[str], list[RejectedFile]]:
    """Read the files and write their tracks in batches; returns the written ids and the rejected files."""
    ordered = list(files)
    tracks = Tracks(store)
    written: set[str] = set()
    rejected: list[RejectedFile] = []
    covers: set[str] = set()
    with counting(TimeRemainingColumn(), disable=quiet or not ordered) as progress:
        outcomes = read_tracks(ordered, library=library, known=known, reading=reading)
        for batch in _batches(progress.track(outcomes, total=len(ordered), description="Reading tags")):
            rejected += [outcome for outcome in batch if isinstance(outcome, RejectedFile)]
            good = [outcome for outcome in batch if not isinstance(outcome, RejectedFile)]
            pictures = {cover.cover_id: cover for _, cover in good if cover and cover.cover_id not in covers}
            Covers(store).write(pictures.values())
            covers |= pictures.keys()
            tracks.write(track for track, _ in good)
            written |= {track.track_id for track, _ in good}
    return written, rejected


def _batches(outcomes: Iterable[Outcome]) -> Iterator[list[Outcome]]:
    source = iter(outcomes)
    while batch := list(islice(source, WRITE_EVERY)):
        yield batch


def _vanished(
    stored: Iterable[StoredFile], *, present: set[str], rejected: Sequence[RejectedFile]
) -> list[str]:
    """Tracks whose files are missing, except those in a folder that currently cannot be read."""
    closed = tuple(
        f"{item.path}/" for item in rejected if item.reason == "unreadable" and item.track_id is None
    )
    return [
        file.track_id
        for file in stored
        if file.state == "present"
        and file.track_id not in present
        and not (file.path or "").startswith(closed)
    ]


def _keep_without_audio(tracks: Tracks, known: Mapping[int, FmaTrack], *, library: str) -> int:
    """Store the tracks of the tables that have no file; returns their number."""
    if not known:
        return 0
    stored = {track_id: (file.state, file.known) for track_id, file in tracks.files_of(library).items()}
    ids = {track_id(library, path_of(number)): fma_track for number, fma_track in known.items()}
    silent = {key: fma_track for key, fma_track in ids.items() if stored.get(key, ("", ""))[0] != "present"}
    tracks.write(
        without_audio(key, fma_track, library=library)
        for key, fma_track in silent.items()
        if stored.get(key) != ("no-audio", fma_track.digest())
    )
    return len(silent)
