"""`./run.sh library ingest`: brings the catalogue in line with a folder of music.

Delivery: every write is an upsert by track id, cover id or path. The next run completes an interrupted one,
and a repeated run changes nothing.
"""

from __future__ import annotations

import sys
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from segue.batch_jobs.library_folders import find_folders
from segue.batch_jobs.read_library import Found, Rules
from segue.batch_jobs.reconcile_library import Changes, bring_in_line
from segue.catalog.fma import FmaTrack, path_of
from segue.catalog.library import FolderContents, library_of
from segue.catalog.listening import StoredSounds
from segue.catalog.read import TagReading, fact_of, without_audio
from segue.catalog.rejected import RejectedTracks
from segue.catalog.scan import FORMATS
from segue.catalog.track import track_id
from segue.catalog.track_files import TrackFiles
from segue.collections import prepare
from segue.counted import counted
from segue.errors import SegueError, one_line_errors
from segue.figures import JsonFile, can_write, say, write_figures
from segue.local.stack import connected
from segue.people.audit import AuditLog
from segue.settings import load_settings
from segue.storage.store import Job, Store, open_store

AS_USUAL = Rules()


@dataclass(frozen=True, kw_only=True)
class IngestSummary:
    """The result of a run; `tracks` is the present number in the library."""

    library: str
    tracks: int
    new: int
    changed: int
    unchanged: int
    moved: int
    """Changed and unchanged tracks whose files have another name or folder."""
    vanished: int
    """Tracks whose files were removed since the last run."""
    away: int
    """Tracks whose disk or folder is away: unavailable until it is back."""
    in_question: int
    """Tracks whose files are gone, but too many at once: unavailable until you confirm, or they are back."""
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
        typer.Option(
            help="Name of the library, part of its track ids. Default: that of library.folders, or the "
            "folder's name."
        ),
    ] = None,
    fma: Annotated[
        bool,
        typer.Option(
            "--fma", help="Fail unless the folder has FMA's layout. Without it, the layout is detected."
        ),
    ] = False,
    everything: Annotated[
        bool, typer.Option("--all", help="Read unchanged files, too, as after a change of [library].")
    ] = False,
    accept_removals: Annotated[
        bool,
        typer.Option(
            "--accept-removals",
            help="Accept that missing files were removed: no disk is unmounted. Do not ask.",
        ),
    ] = False,
    json_file: JsonFile = None,
) -> None:
    """Read the tracks of a folder into the catalogue.

    Only new and changed files are read. A song that was renamed, moved, retagged or converted keeps its
    track. Tracks whose files were removed are marked as vanished, those of an unmounted disk as unavailable;
    the command asks if many files are gone at once. ./run.sh library rejected lists unusable files with the
    reason. A second run changes nothing.

    Example: ./run.sh library ingest ~/Music

    Example: ./run.sh library ingest --fma /data/fma --name fma
    """
    with one_line_errors(), ExitStack() as stack:
        can_write(json_file)
        settings = connected(load_settings(), kafka=False)
        store = open_store(settings)
        prepare(store, Job.CATALOGUE)
        listening = stack.enter_context(StoredSounds(store, settings.audio))
        rules = Rules(
            largest_share=settings.library.largest_loss,
            accepted=accept_removals,
            everything=everything,
            reading=TagReading.by(settings.library),
            listening=listening,
        )
        library = library_of(settings.library, folder)
        folder, further = (library.folder, library.further) if name in (None, library.name) else (folder, ())
        read = partial(run, store, folder, further=further, name=name or library.name, fma=fma)
        summary = read(rules=rules)
        if summary.in_question and sys.stdin.isatty() and typer.confirm(_question(summary), err=True):
            summary = read(rules=replace(rules, accepted=True))
        AuditLog(store).note_of_library("library-updated")
        write_figures(json_file, asdict(summary))
        _say(summary, json_file)
        if summary.in_question:
            raise SegueError(
                f"{_question(summary)} They stay, marked as unavailable; add --accept-removals if they were "
                "removed"
            )


def _question(summary: IngestSummary) -> str:
    return (
        f"The files of {counted(summary.in_question, 'track')} of {summary.library} are gone at once. "
        "Were they removed, rather than on a disk that is not mounted?"
    )


def _say(summary: IngestSummary, json_file: JsonFile) -> None:
    say(
        f"{summary.library}: {counted(summary.tracks, 'track')}; "
        f"{summary.new} new, {summary.changed} changed, "
        f"{summary.unchanged} unchanged, {summary.vanished} vanished, {summary.rejected} rejected"
        f"{counted_reasons(summary.reasons)} ({summary.seconds:.1f} s)",
        json_file,
    )
    if summary.moved:
        say(f"renamed or moved: {counted(summary.moved, 'track')}", json_file)
    if summary.away:
        say(
            f"unavailable, because the disk or folder is missing: {counted(summary.away, 'track')} "
            "(--accept-removals if they were removed)",
            json_file,
        )
    if summary.listed:
        say(
            f"FMA's tables list {counted(summary.listed, 'track')}: {summary.without_audio} of them "
            f"without usable audio here; files in no table: {summary.without_metadata}",
            json_file,
        )


def counted_reasons(reasons: Mapping[str, int]) -> str:
    """The reasons of rejected files with their numbers, after a colon; empty without any."""
    counts = ", ".join(f"{count} {reason}" for reason, count in sorted(reasons.items()))
    return f": {counts}" if counts else ""


def run(
    store: Store,
    folder: Path,
    *,
    further: Sequence[Path] = (),
    name: str | None = None,
    fma: bool = False,
    quiet: bool = False,
    rules: Rules = AS_USUAL,
) -> IngestSummary:
    """Bring the catalogue's tracks, covers and rejected files in line with the folders of a library.

    Parameters
    ----------
    further
        The library's folders besides `folder`. If one of several folders is away, so are its tracks.

    Raises
    ------
    SegueError
        No folder exists and has music (an unmounted disk must not empty the catalogue), or the library's name
        belongs to another existing folder.
    """
    began = time.monotonic()
    tracks = TrackFiles(store)
    library = name or folder.expanduser().resolve().name or "music"
    there = find_folders(store, [folder, *further], library=library, fma=fma, encoding=rules.reading.encoding)
    contents = there.contents
    stored = tracks.checked_files(library)
    there.check_same(stored.values(), library)
    tracks.date_old_tracks(library)
    tracks.date_missing(library)
    found = Found(
        library=library,
        roots=there.roots,
        files=contents.files,
        rejected=contents.rejected,
        known=contents.known,
        stored=stored,
        covers=there.are_there_for,
    )
    changes = bring_in_line(store, found, rules=rules, quiet=quiet)
    RejectedTracks(store).replace_library(changes.rejected, library=library)
    silent = _keep_without_audio(tracks, contents.known, library=library)
    return IngestSummary(
        library=library,
        tracks=tracks.count_present(library),
        new=len(changes.new),
        changed=len(changes.changed),
        unchanged=len(changes.same),
        moved=len(changes.moved),
        vanished=len(changes.absent.vanished),
        away=len(changes.absent.away) + there.tracks_away,
        in_question=len(changes.absent.in_question),
        rejected=len(changes.rejected),
        reasons=dict(Counter(item.reason for item in changes.rejected)),
        listed=len(contents.known),
        without_audio=silent,
        without_metadata=_without_metadata(contents, changes) if contents.known else 0,
        waiting=changes.waiting,
        seconds=round(time.monotonic() - began, 2),
    )


def _without_metadata(contents: FolderContents, changes: Changes) -> int:
    """The number of usable files in FMA's folders that are in no table."""
    unusable = {item.path for item in changes.rejected}
    return sum(
        fact_of(file, contents.known) is None and file.path not in unusable
        for file in contents.files.values()
    )


def _keep_without_audio(tracks: TrackFiles, known: Mapping[int, FmaTrack], *, library: str) -> int:
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
