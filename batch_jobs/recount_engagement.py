"""`./run.sh engagement`: counts what listeners did anew, from the topic of plays.

Delivery: facts, sessions and statistics are upserts by their ids (segue.engagement.listening), so that a run
cut short is made good by the next one; it may run beside the stream.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from typing import Annotated, Any

import typer
from pymongo.database import Database
from pyspark.sql import DataFrame, SparkSession
from rich.progress import Progress, SpinnerColumn, TextColumn

from segue.catalog.labels import TrackLabels
from segue.catalog.tracks import Tracks
from segue.engagement import listening
from segue.engagement.definitions import fingerprint
from segue.engagement.facts import Fact
from segue.errors import SegueError, one_line_errors
from segue.local.stack import connected
from segue.people.forgotten import Forgotten
from segue.settings import Settings, load_settings
from segue.spark.recorded import plays_of_those_here, recorded
from segue.spark.recount import counted_rows, facts_of_rows
from segue.spark.session import session
from segue.storage.kafka_topics import truncated_at
from segue.storage.mongo import Document, connect
from segue.storage.store import Store

AT_ONCE = 2000
"""Facts that are written together."""


@dataclass(frozen=True, kw_only=True)
class Summary:
    """What a run has found."""

    facts: int
    windows: int
    different: int
    """Facts that were stored otherwise than counted, or not at all; or stored and not counted."""


def recount(
    check: Annotated[
        bool, typer.Option("--check", help="Only compare what is stored with what is counted; write nothing.")
    ] = False,
) -> None:
    """Count all plays that the topic still has, and replace what was counted of them before.

    For a change of the definitions or of engagement.window, or after tracks have got other artists or
    genres. Windows that the topic has plays of no more stay as they were counted then. It may run beside the
    stream. With --check it ends with exit status 1 if something is stored otherwise than it is counted.

    Example: ./run.sh engagement recount

    Example: ./run.sh engagement recount --check
    """
    with one_line_errors():
        settings = connected(load_settings())
        found = run(settings, check=check)
        typer.echo(f"{found.facts} facts in {found.windows} windows, {found.different} different")
        if check and found.different:
            raise SegueError("what is stored is not what is counted: run ./run.sh engagement recount")


def run(
    settings: Settings, *, check: bool = False, spark: SparkSession | None = None, quiet: bool = False
) -> Summary:
    """Count the topic's plays; `check` compares only."""
    database = connect(settings.mongo)
    listening.prepare(database, keep=settings.retention.listening)
    own = spark is None
    spark = spark or session(settings, app="segue recount", tuned=False)
    try:
        since = _whole_since(settings)
        rows = transform(recorded(spark, settings), settings=settings, since=since)
        with Progress(
            SpinnerColumn(), TextColumn("{task.description}"), disable=quiet, transient=True
        ) as progress:
            progress.add_task("Counting plays")
            return _take(database, settings, rows, since=since, check=check)
    finally:
        if own:
            spark.stop()


def transform(records: DataFrame, *, settings: Settings, since: int = 0) -> DataFrame:
    """KafkaRecord -> CountedRow of the windows from `since` (epoch ms) on."""
    well_formed = plays_of_those_here(records, stream=settings.stream)
    return counted_rows(well_formed, window=settings.engagement.window).where(f"window_start >= {since}")


def _whole_since(settings: Settings) -> int:
    """The first window (epoch ms) of which retention has not taken a play."""
    begins = truncated_at(settings.kafka)
    if begins is None:
        return 0
    length = int(settings.engagement.window.total_seconds() * 1000)
    first = begins + int(settings.stream.future.total_seconds() * 1000)
    return -(-first // length) * length


def _take(
    database: Database[Document], settings: Settings, rows: DataFrame, *, since: int, check: bool
) -> Summary:
    definitions = fingerprint(settings.engagement.window)
    counted = facts_of_rows(rows.toLocalIterator(), described=TrackLabels(Tracks(Store(database))))
    starts: set[int] = set()
    facts = different = 0
    for some in _batches(counted):
        gone = Forgotten(Store(database)).among({fact.user_id for fact in some})
        batch = [fact for fact in some if fact.user_id not in gone]
        different += len(_different(database, batch, definitions=definitions))
        facts += len(batch)
        starts |= {fact.start for fact in batch}
        if not check:
            listening.write_facts(database, batch, definitions=definitions)
            listening.rebuild_sessions(
                database, batch, gap=settings.engagement.session_gap, definitions=definitions
            )
    from_then = {"$gte": datetime.fromtimestamp(since / 1000, UTC)}
    outdated: Document = {"start": from_then, "definitions": {"$ne": definitions}}
    if check:
        different += database.listening.count_documents(outdated)
    else:
        database.listening.delete_many(outdated)
        listening.count_windows(database, sorted(starts))
        there = database.listening.distinct("start", {"start": from_then})
        database.listening_stats.delete_many({"start": {**from_then, "$nin": there}})
    return Summary(facts=facts, windows=len(starts), different=different)


def _different(database: Database[Document], facts: list[Fact], *, definitions: str) -> list[str]:
    """The ids of facts that are stored otherwise than they were counted."""
    expected: dict[str, Any] = {fact.id: fact.document(definitions=definitions) for fact in facts}
    stored = {one["_id"]: one for one in database.listening.find({"_id": {"$in": list(expected)}})}
    return [own for own, fact in expected.items() if stored.get(own) != fact]


def _batches(facts: Iterator[Fact]) -> Iterator[list[Fact]]:
    while batch := list(islice(facts, AT_ONCE)):
        yield batch
