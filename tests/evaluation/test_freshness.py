"""Freshness: plays matched with the documents that reflect them, in a real MongoDB."""

from __future__ import annotations

from datetime import UTC, datetime

from pymongo.database import Database

from segue.evaluation.freshness import FreshnessWatch
from segue.storage.mongo import Document
from segue.storage.store import Store
from tests.waiting import until


def write(
    database: Database[Document], watch: FreshnessWatch, user: str, *, reflects_at: int, written_ms: int
) -> None:
    """Write a document, and wait until the watch has seen it."""
    document = {"reflects_at": reflects_at, "updated_at": datetime.fromtimestamp(written_ms / 1000, UTC)}
    database.recommendations.replace_one({"_id": user}, document, upsert=True)
    until(lambda: watch.latencies([(user, reflects_at)])[1] == 0, "the watch to see the document")


def test_each_play_is_matched_with_the_first_document_that_reflects_it(database: Database[Document]) -> None:
    with FreshnessWatch(Store(database)) as watch:
        write(database, watch, "ada", reflects_at=1000, written_ms=1150)
        write(database, watch, "ada", reflects_at=2000, written_ms=2300)
        write(database, watch, "ben", reflects_at=1500, written_ms=2400)
    latencies, unseen = watch.latencies([("ada", 900), ("ada", 1000), ("ada", 1600), ("ben", 1500)])
    assert latencies.tolist() == [250, 150, 700, 900]
    assert unseen == 0


def test_a_play_that_is_reflected_nowhere_is_counted(database: Database[Document]) -> None:
    with FreshnessWatch(Store(database)) as watch:
        write(database, watch, "ada", reflects_at=1000, written_ms=1150)
    latencies, unseen = watch.latencies([("ada", 1001), ("eve", 5)])
    assert (latencies.tolist(), unseen) == ([], 2)
