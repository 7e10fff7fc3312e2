"""`./run.sh features`: descriptors of every track that has none of the current version yet.

Delivery: results are written by track id as each part of the work ends, so that a run killed half-way
loses the parts in progress (a few dozen tracks) and the next one goes on where it was.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from pymongo.database import Database
from pyspark.sql import DataFrame, Row, SparkSession
from rich.progress import TimeRemainingColumn

from segue.audio.descriptors import features_version, names_version
from segue.batch_jobs.bars import counting
from segue.catalog.tracks import Rejected
from segue.errors import one_line_errors
from segue.figures import can_write, write_figures
from segue.local.stack import connected
from segue.settings import Settings, load_settings
from segue.spark.session import session
from segue.storage.mongo import Document, connect, upsert
from segue.udfs.describe_tracks import DESCRIBED, describe_tracks

STAGE = "features"
TRACK = "track_id string, path string"
"""What the job works on."""
PER_TASK = 4
TASKS_PER_CORE = 8
"""A part of the work has so many tasks for each core; it is written when all have ended."""
PARTS_AT_ONCE = 2
"""While the last tasks of a part run, those of the next keep the other cores busy."""
RETRIED = frozenset({"missing", "unreadable", "too-slow", "decoder-crashed"})
"""Reasons that may lie with the machine and not with the file: these are tried again in every run."""


@dataclass(frozen=True, kw_only=True)
class Summary:
    """What a run has done; `tracks` is how many have features now, `reasons` why the rejected have none."""

    version: str
    tracks: int
    computed: int
    rejected: int
    removed: int
    reasons: dict[str, int]
    seconds: float


@dataclass(frozen=True, kw_only=True)
class Work:
    """Tracks whose features are missing or of another version or file, and features that have no track."""

    missing: list[Document]
    gone: list[str]


def extract_features(
    json_file: Annotated[Path | None, typer.Option("--json", help="Write the summary to this file.")] = None,
) -> None:
    """Compute the descriptors of new and changed tracks, with Spark.

    A change of the settings for audio makes another version, for which all tracks are computed. Files that
    cannot be described are kept in rejected_tracks with the reason.

    Example: ./run.sh features
    """
    with one_line_errors():
        can_write(json_file)
        settings = connected(load_settings(), kafka=False)
        database = connect(settings.mongo)
        if find_work(database, settings).missing:
            with session(settings, app="segue features") as spark:
                summary = run(spark, settings, database)
        else:
            summary = run(None, settings, database)  # starting Spark takes longer than finding that out
        write_figures(json_file, asdict(summary))
        why = ", ".join(f"{count} {reason}" for reason, count in sorted(summary.reasons.items()))
        typer.echo(
            f"{summary.tracks} tracks have features; {summary.computed} computed, {summary.removed} removed, "
            f"{summary.rejected} rejected{f' ({why})' if why else ''} ({summary.seconds:.1f} s)"
        )


def transform(tracks: DataFrame, settings: Settings) -> DataFrame:
    """TRACK -> DESCRIBED."""
    return tracks.select("track_id", "path").mapInArrow(describe_tracks(settings.audio), DESCRIBED)


def run(
    spark: SparkSession | None, settings: Settings, database: Database[Document], *, quiet: bool = False
) -> Summary:
    """Bring `features` and the rejected tracks of this stage in line with the catalogue.

    `spark` may be None when nothing is to be computed (see :func:`find_work`).
    """
    began = time.monotonic()
    work = find_work(database, settings)
    database.features.delete_many({"_id": {"$in": work.gone}})
    database.rejected_tracks.delete_many({"stage": STAGE, "track_id": {"$in": _without_track(database)}})
    computed = 0
    with counting(TimeRemainingColumn(), disable=quiet or not work.missing) as progress:
        task = progress.add_task("Describing tracks", total=len(work.missing))
        for part, rows in _described(spark, work.missing, settings) if spark else ():
            computed += _write(database, part, rows, settings)
            progress.advance(task, len(part))
    reasons = Counter(document["reason"] for document in database.rejected_tracks.find({"stage": STAGE}))
    return Summary(
        version=features_version(settings.audio),
        tracks=database.features.count_documents({"version": features_version(settings.audio)}),
        computed=computed,
        rejected=reasons.total(),
        removed=len(work.gone),
        reasons=dict(reasons),
        seconds=round(time.monotonic() - began, 2),
    )


def find_work(database: Database[Document], settings: Settings) -> Work:
    """Compare the catalogue with what has been computed or rejected."""
    version = features_version(settings.audio)
    stamp = {"version": 1, "size": 1, "modified_ns": 1}
    done = {document["_id"]: _stamp(document) for document in database.features.find({}, stamp)}
    known = database.rejected_tracks.find(
        {"stage": STAGE, "reason": {"$nin": list(RETRIED)}}, stamp | {"track_id": 1}
    )
    rejected = {document["track_id"]: _stamp(document) for document in known}
    missing, present = [], set()
    for track in database.tracks.find({"state": "present"}, {"path": 1, "size": 1, "modified_ns": 1}).sort(
        "_id"
    ):
        present.add(track["_id"])
        now = (version, track["size"], track["modified_ns"])
        if now not in (done.get(track["_id"]), rejected.get(track["_id"])):
            missing.append(track)
    return Work(missing=missing, gone=sorted(done.keys() - present))


def _stamp(document: Document) -> tuple[Any, ...]:
    return document.get("version"), document.get("size"), document.get("modified_ns")


def _without_track(database: Database[Document]) -> list[str]:
    """Rejected at this stage, and no longer in the catalogue."""
    ids = database.rejected_tracks.distinct("track_id", {"stage": STAGE})
    present = database.tracks.find({"_id": {"$in": ids}, "state": "present"}, {"_id": 1})
    return sorted(set(ids) - {track["_id"] for track in present})


def _described(
    spark: SparkSession, tracks: Sequence[Document], settings: Settings
) -> Iterator[tuple[Sequence[Document], list[Row]]]:
    """Parts of the work with their results, in the order in which they end."""
    size = PER_TASK * TASKS_PER_CORE * spark.sparkContext.defaultParallelism
    parts = [tracks[start : start + size] for start in range(0, len(tracks), size)]
    with ThreadPoolExecutor(PARTS_AT_ONCE) as pool:
        running: dict[Future[list[Row]], Sequence[Document]] = {}
        try:
            for number, part in enumerate(parts):
                running[pool.submit(_describe_part, spark, part, settings, number)] = part
                if len(running) >= PARTS_AT_ONCE:
                    yield from _ended(running)
            while running:
                yield from _ended(running)
        except BaseException:
            spark.sparkContext.cancelAllJobs()  # or Ctrl-C would wait for the parts in progress
            raise


def _ended(
    running: dict[Future[list[Row]], Sequence[Document]],
) -> Iterator[tuple[Sequence[Document], list[Row]]]:
    ended, _ = wait(running, return_when=FIRST_COMPLETED)
    for future in ended:
        yield running.pop(future), future.result()


def _describe_part(
    spark: SparkSession, part: Sequence[Document], settings: Settings, number: int
) -> list[Row]:
    spark.sparkContext.setJobDescription(f"features: describe {len(part)} tracks (part {number + 1})")
    rows = [(track["_id"], track["path"]) for track in part]
    tracks = spark.createDataFrame(rows, TRACK).repartition(-(-len(rows) // PER_TASK))
    return transform(tracks, settings).collect()


def _write(
    database: Database[Document], part: Iterable[Document], rows: Sequence[Row], settings: Settings
) -> int:
    """Write a part's features and rejections; returns how many features."""
    version, names = features_version(settings.audio), names_version(settings.audio)
    tracks = {track["_id"]: track for track in part}
    good = [row for row in rows if row.vector is not None]
    bad = [row for row in rows if row.vector is None]

    def stamp(row: Row) -> dict[str, Any]:
        track = tracks[row.track_id]
        return {"version": version, "size": track["size"], "modified_ns": track["modified_ns"]}

    upsert(
        database.features,
        (
            {"_id": row.track_id, "names_version": names, "vector": bytes(row.vector), **stamp(row)}
            for row in good
        ),
    )
    # Before the new rejections: a moved file may have one under its former path.
    database.rejected_tracks.delete_many({"stage": STAGE, "track_id": {"$in": list(tracks)}})
    now = datetime.now(UTC)
    upsert(
        database.rejected_tracks,
        (_rejected(row, tracks[row.track_id]["path"]) | stamp(row) | {"at": now} for row in bad),
    )
    database.features.delete_many({"_id": {"$in": [row.track_id for row in bad]}})
    return len(good)


def _rejected(row: Row, path: str) -> dict[str, Any]:
    return Rejected(path=path, track_id=row.track_id, reason=row.reason, detail=row.detail).document(
        stage=STAGE
    )
