"""`./run.sh library features`: computes missing and outdated descriptors of all tracks, and their loudness.

Delivery: results are written by track id whenever a part of the work ends. A killed run loses the parts in
progress (a few dozen tracks), and the next run continues from there.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Annotated

import typer
from pyspark.sql import DataFrame, Row, SparkSession
from rich.progress import TimeRemainingColumn

from segue.audio.describe_here import Described
from segue.audio.descriptors import features_version, names_version
from segue.audio.errors import MAY_PASS
from segue.batch_jobs import measure_loudness
from segue.batch_jobs.bars import counting
from segue.batch_jobs.tracks_in_parts import processed_in_parts
from segue.catalog.features import Features
from segue.catalog.fingerprints import Fingerprints
from segue.catalog.gathering import gather
from segue.catalog.measured_tracks import MeasuredTracks
from segue.catalog.rejected import RejectedFile, RejectedTracks
from segue.catalog.stamp import Stamp
from segue.catalog.track_files import TrackFiles
from segue.catalog.track_records import StoredFile
from segue.catalog.tracks import Tracks
from segue.collections import prepare
from segue.counted import counted
from segue.errors import one_line_errors
from segue.figures import JsonFile, can_write, say, write_figures
from segue.local.stack import connected
from segue.settings import Settings, load_settings
from segue.spark.session import session
from segue.storage.store import Job, Store, open_store
from segue.udfs.describe_tracks import DESCRIBED, describe_tracks
from segue.udfs.measure_tracks import MEASURED, measure_tracks


@dataclass(frozen=True, kw_only=True)
class ExtractionSummary:
    """The result of a run; `tracks` is the number with features, `reasons` counts the rejected by reason."""

    version: str
    tracks: int
    computed: int
    measured: int
    """Tracks whose loudness was measured."""
    rejected: int
    removed: int
    reasons: dict[str, int]
    seconds: float


@dataclass(frozen=True, kw_only=True)
class Work:
    """Tracks without current features or loudness, and features to remove: their files are long gone."""

    missing: list[StoredFile]
    gone: list[str]
    unmeasured: list[StoredFile]
    """Tracks whose loudness is missing or outdated."""


def extract_features(
    fingerprints: Annotated[
        bool,
        typer.Option("--fingerprints", help="Also compute the fingerprints that an earlier release lacked."),
    ] = False,
    json_file: JsonFile = None,
) -> None:
    """Compute the audio features and the loudness of new and changed tracks, with Spark.

    After a change of the settings in [audio], the features of all tracks are computed again. Files that
    cannot be decoded are listed by ./run.sh library rejected, with the reason. An interrupted run continues
    where it stopped.

    Example: ./run.sh library features

    Example: ./run.sh library features --fingerprints

    Example: ./run.sh library features --json -
    """
    with one_line_errors():
        can_write(json_file)
        settings = connected(load_settings(), kafka=False)
        store = open_store(settings)
        prepare(store, Job.CATALOGUE)
        work = find_work(store, settings, fingerprints=fingerprints)
        if work.missing or work.unmeasured:
            with session(settings, app="segue features") as spark:
                summary = run(spark, settings, store, work=work)
        else:
            summary = run(None, settings, store)  # starting Spark takes longer than this check
        write_figures(json_file, asdict(summary))
        why = ", ".join(f"{count} {reason}" for reason, count in sorted(summary.reasons.items()))
        say(
            f"{counted(summary.tracks, 'track has', plural='tracks have')} features; "
            f"{summary.computed} computed, {summary.removed} removed, "
            f"{summary.rejected} rejected{f' ({why})' if why else ''}; "
            f"{summary.measured} measured for loudness ({summary.seconds:.1f} s)",
            json_file,
        )


def transform(tracks: DataFrame, settings: Settings) -> DataFrame:
    """TRACK -> DESCRIBED."""
    return tracks.select("track_id", "path", "start", "end").mapInArrow(
        describe_tracks(settings.audio), DESCRIBED
    )


def transform_to_levels(tracks: DataFrame, settings: Settings) -> DataFrame:
    """TRACK -> MEASURED."""
    return tracks.select("track_id", "path", "start", "end").mapInArrow(
        measure_tracks(settings.audio), MEASURED
    )


def run(
    spark: SparkSession | None,
    settings: Settings,
    store: Store,
    *,
    work: Work | None = None,
    quiet: bool = False,
) -> ExtractionSummary:
    """Bring the features and the rejected tracks of this stage in line with the catalogue.

    `spark` may be None if there is nothing to compute (see :func:`find_work`).
    """
    began = time.monotonic()
    work = work or find_work(store, settings)
    features, rejected = Features(store), RejectedTracks(store)
    forget_gone(store, work)
    computed = 0
    with counting(TimeRemainingColumn(), disable=quiet or not work.missing) as progress:
        task = progress.add_task("Describing tracks", total=len(work.missing))
        step = partial(transform, settings=settings)

        def report(done: int) -> None:
            progress.update(task, completed=done)

        for part, rows in processed_in_parts(spark, work.missing, step, report=report) if spark else ():
            computed += write(store, part, rows, settings)
    measured = _measure(spark, store, work.unmeasured, settings, quiet=quiet) if spark else 0
    reasons = rejected.reasons(stage="features")
    version = features_version(settings.audio)
    return ExtractionSummary(
        version=version,
        tracks=features.count(version),
        computed=computed,
        measured=measured,
        rejected=reasons.total(),
        removed=len(work.gone),
        reasons=dict(reasons),
        seconds=round(time.monotonic() - began, 2),
    )


def find_work(store: Store, settings: Settings, *, fingerprints: bool = False) -> Work:
    """Compare the catalogue with the stored features and rejections.

    With `fingerprints`, features of an earlier release, which have no fingerprint, are outdated.
    """
    version = features_version(settings.audio)
    done = Features(store).stamps()
    if fingerprints:
        for track_id in Fingerprints(store).without():
            done[track_id] = Stamp(None, None, None)
    rejected = RejectedTracks(store).without_features(retried=MAY_PASS)
    missing = []
    for file in TrackFiles(store).present_files():
        now = Stamp(version, file.size, file.modified_ns)
        if now not in (done.get(file.track_id), rejected.get(file.track_id)):
            missing.append(file)
    kept = TrackFiles(store).keeping_features(missing_after=datetime.now(UTC) - settings.library.keep_missing)
    unmeasured = MeasuredTracks(store).to_measure()
    return Work(missing=missing, gone=sorted(done.keys() - kept), unmeasured=unmeasured)


def forget_gone(store: Store, work: Work) -> None:
    """Remove the features and the rejections of tracks whose files are gone."""
    Features(store).remove(work.gone)
    rejected = RejectedTracks(store)
    tried = rejected.track_ids("features")
    rejected.remove(tried - Tracks(store).present_ids(tried), stage="features")


def _measure(
    spark: SparkSession, store: Store, tracks: Sequence[StoredFile], settings: Settings, *, quiet: bool
) -> int:
    """Measure the loudness of tracks; returns the number that was stored."""
    stored = 0
    with counting(TimeRemainingColumn(), disable=quiet or not tracks) as progress:
        task = progress.add_task("Measuring loudness", total=len(tracks))
        step = partial(transform_to_levels, settings=settings)

        def report(done: int) -> None:
            progress.update(task, completed=done)

        for part, rows in processed_in_parts(spark, tracks, step, report=report):
            files = {file.track_id: file for file in part}
            stored += measure_loudness.write(store, files, [(row.track_id, row.asDict()) for row in rows])
    if stored:
        gather(store)
    return stored


def write(
    store: Store, part: Iterable[StoredFile], rows: Sequence[Row | Described], settings: Settings
) -> int:
    """Write a part's features and rejections; returns the number of features."""
    version = features_version(settings.audio)
    files = {file.track_id: file for file in part}
    stamps = {own: Stamp(version, file.size, file.modified_ns) for own, file in files.items()}
    good = [row for row in rows if row.vector is not None]
    bad = [row for row in rows if row.vector is None]
    features = Fingerprints(store)
    features.write(
        ((row.track_id, bytes(row.vector or b""), stamps[row.track_id]) for row in good),
        names_version=names_version(settings.audio),
        fingerprints={row.track_id: row.fingerprint and bytes(row.fingerprint) for row in good},
    )
    features.find_sounds(row.track_id for row in good)
    RejectedTracks(store).replace_features(
        files, ((_rejected(row, files[row.track_id]), stamps[row.track_id]) for row in bad)
    )
    features.remove(row.track_id for row in bad)
    return len(good)


def _rejected(row: Row | Described, file: StoredFile) -> RejectedFile:
    path = f"{file.path}, song {file.cue['number']}" if file.cue else str(file.path or file.server_path)
    return RejectedFile(path=path, track_id=file.track_id, reason=row.reason, detail=row.detail)
