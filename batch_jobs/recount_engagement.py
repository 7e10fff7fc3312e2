"""`./run.sh engagement recount`: recounts the plays of the topic, and replaces the stored counts.

Delivery: facts, sessions and statistics are upserts by their ids (segue.engagement.stored), so that the next
run completes an interrupted one. It may run beside the stream.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import Annotated

import typer
from pyspark.sql import DataFrame, SparkSession
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn

from segue.catalog.labels import TrackLabels
from segue.catalog.tracks import Tracks
from segue.confirmation import Yes, confirm
from segue.counted import counted
from segue.engagement.definitions import Thresholds
from segue.engagement.facts import Fact
from segue.engagement.stored import StoredEngagement
from segue.errors import SegueError, one_line_errors
from segue.figures import JsonFile, can_write, say, write_figures
from segue.local.stack import connected
from segue.people.forgotten import Forgotten
from segue.settings import Settings, load_settings
from segue.spark.recorded import plays_of_those_here, recorded
from segue.spark.recount import counted_rows, facts_of_rows
from segue.spark.session import session
from segue.storage.kafka_topics import truncated_at
from segue.storage.store import Store, open_store

AT_ONCE = 2000
"""Facts per bulk write."""
_ROWS_AT_ONCE = 20_000
"""Rows of facts per bulk write, about 10 MB: the facts of listeners who play without a pause are large."""


@dataclass(frozen=True, kw_only=True)
class Recounted:
    """The result of a recount."""

    facts: int
    windows: int
    different: int
    """Facts that were stored with other counts or not at all, and stored facts that were not counted."""
    different_days: int
    """Days whose statistics were not the sums of their windows."""


def recount(
    check: Annotated[
        bool, typer.Option("--check", help="Only compare stored and counted values; write nothing.")
    ] = False,
    yes: Yes = False,
    json_file: JsonFile = None,
) -> None:
    """Count all plays in the topic again, and replace the stored counts.

    Use it after a change of the definitions or of engagement.window, or after tracks have got other artists
    or genres. Windows whose plays have left the topic keep their counts. The command may run beside the
    stream. Days that have ended are summed again. It asks for confirmation unless --check or --yes is given.
    With --check, the exit status is 1 if a stored value differs from the counted one, or the sum of a day
    from that of its windows.

    Example: ./run.sh engagement recount --yes

    Example: ./run.sh engagement recount --check --json -
    """
    with one_line_errors():
        can_write(json_file)
        settings = load_settings()
        if not check:
            confirm("Replace the stored counts by those of the plays in the topic?", yes=yes)
        settings = connected(settings)
        recount = run(settings, check=check)
        write_figures(json_file, asdict(recount))
        say(
            f"{counted(recount.facts, 'fact')} in {counted(recount.windows, 'window')}, "
            f"{recount.different} different; {counted(recount.different_days, 'day')} different",
            json_file,
        )
        if check and (recount.different or recount.different_days):
            raise SegueError(
                "the stored counts differ from the plays in the topic: run ./run.sh engagement recount"
            )


def run(
    settings: Settings, *, check: bool = False, spark: SparkSession | None = None, quiet: bool = False
) -> Recounted:
    """Recount the topic's plays; with `check`, only compare."""
    store = open_store(settings)
    own = spark is None
    spark = spark or session(settings, app="segue recount", tuned=False)
    try:
        since = _whole_since(settings)
        rows = transform(recorded(spark, settings, complete=True), settings=settings, since=since)
        with Progress(
            SpinnerColumn(),
            TextColumn("{task.description}"),
            console=Console(stderr=True),
            disable=quiet,
            transient=True,
        ) as progress:
            progress.add_task("Counting plays")
            return _take(store, settings, rows, since=since, check=check)
    finally:
        if own:
            spark.stop()


def transform(records: DataFrame, *, settings: Settings, since: int = 0) -> DataFrame:
    """KafkaRecord -> CountedRow of the windows from `since` (epoch ms) on."""
    well_formed = plays_of_those_here(records, stream=settings.stream)
    return counted_rows(
        well_formed,
        window=settings.engagement.window,
        most=settings.engagement.max_events_per_window,
        thresholds=Thresholds.of(settings.engagement),
    ).where(f"window_start >= {since}")


def _whole_since(settings: Settings) -> int:
    """The first window (epoch ms) from which retention has removed no play."""
    begins = truncated_at(settings.kafka)
    if begins is None:
        return 0
    length = int(settings.engagement.window.total_seconds() * 1000)
    first = begins + int(settings.stream.max_clock_skew.total_seconds() * 1000)
    return -(-first // length) * length


def _take(store: Store, settings: Settings, rows: DataFrame, *, since: int, check: bool) -> Recounted:
    stored = StoredEngagement(store, settings)
    counted = facts_of_rows(rows.toLocalIterator(), described=TrackLabels(Tracks(store)))
    starts: set[int] = set()
    facts = different = 0
    for some in _batches(counted):
        gone = Forgotten(store).among({fact.user_id for fact in some})
        batch = [fact for fact in some if fact.user_id not in gone]
        different += stored.different(batch)
        facts += len(batch)
        starts |= {fact.start for fact in batch}
        if not check:
            stored.write(batch)
    from_then = datetime.fromtimestamp(since / 1000, UTC)
    different_days = len(stored.different_days(since=from_then))
    if check:
        different += stored.count_outdated(since=from_then)
    else:
        stored.adopt()
        stored.remove_outdated(since=from_then)
        stored.recount(starts)
        stored.remove_statistics_without_facts(since=from_then)
        stored.roll_up(settled=timedelta(0), seconds=math.inf)
    return Recounted(facts=facts, windows=len(starts), different=different, different_days=different_days)


def _batches(facts: Iterator[Fact]) -> Iterator[list[Fact]]:
    batch: list[Fact] = []
    rows = 0
    for fact in facts:
        batch.append(fact)
        rows += len(fact.rows)
        if len(batch) >= AT_ONCE or rows >= _ROWS_AT_ONCE:
            yield batch
            batch, rows = [], 0
    if batch:
        yield batch
