"""A new index under a running stream: used without a restart; an unfit one is refused."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from pymongo.database import Database
from pyspark.sql import SparkSession
from pyspark.sql.streaming.query import StreamingQuery

from segue.index.bundle import Contents, write_bundle
from segue.index.manifest import Manifest
from segue.index.published import PublishedBundles
from segue.index.track_ids import encode_ids
from segue.models.versions import Models
from segue.plays.delivery import PlayProducer
from segue.settings import Settings
from segue.storage.mongo import Document
from segue.storage.store import Store
from segue.streaming_jobs import recommend
from tests.index.corpus import ANNOY
from tests.plays.examples import a_play
from tests.streaming.conftest import TRACKS, made_up_vectors, track_id


@pytest.fixture
def query(spark: SparkSession, published: Settings) -> Iterator[StreamingQuery]:
    running = recommend.start(spark, published)
    yield running
    running.stop()


def play(settings: Settings, query: StreamingQuery, **changes: object) -> None:
    time.sleep(0.6)  # the stream looks for another index at most every half second
    with PlayProducer(settings.kafka) as producer:
        producer.send(a_play(**changes))
    query.processAllAvailable()


def served(database: Database[Document], user_id: str) -> tuple[str, list[str]]:
    found = database.recommendations.find_one({"_id": user_id})
    assert found
    return found["model"], [item["track_id"] for item in found["items"]]


def bundle_with_a_new_track(settings: Settings) -> Manifest:
    """All tracks, and one more that lies right where t000 lies."""
    vectors = made_up_vectors()
    return write_bundle(
        Path(settings.index.folder),
        Contents(
            vectors=np.vstack([vectors, vectors[:1]]),
            track_ids=encode_ids([track_id(n) for n in range(TRACKS)] + ["t_new"]),
            artists=np.arange(TRACKS + 1, dtype=np.int32),
            cold_start=np.arange(5, dtype=np.int32),
        ),
        space="s1",
        backend=ANNOY,
    )


def test_a_published_index_is_used_without_a_restart(
    published: Settings, database: Database[Document], query: StreamingQuery
) -> None:
    play(published, query, user_id="ada", track_id="t000")
    first, items = served(database, "ada")
    assert "t_new" not in items
    newer = bundle_with_a_new_track(published)
    PublishedBundles(Store(database)).publish(Path(published.index.folder) / newer.version)
    play(published, query, user_id="ben", track_id="t000")
    model, items = served(database, "ben")
    assert model == newer.version != first
    assert items[0] == "t_new"


def test_a_damaged_index_is_refused_and_the_old_one_serves_on(
    published: Settings,
    database: Database[Document],
    query: StreamingQuery,
    caplog: pytest.LogCaptureFixture,
) -> None:
    old = Models(Store(database)).active_version("index")
    newer = bundle_with_a_new_track(published)
    file = Path(published.index.folder) / newer.version / "vectors.npy"
    damaged = bytearray(file.read_bytes())
    damaged[-3] ^= 0xFF
    file.write_bytes(damaged)
    Models(Store(database)).activate("index", newer.version)
    play(published, query, user_id="ada", track_id="t000")
    assert served(database, "ada")[0] == old
    assert f"index {newer.version} is refused" in caplog.text


def test_a_version_this_machine_lacks_comes_from_mongodb(
    published: Settings, database: Database[Document], query: StreamingQuery, tmp_path: Path
) -> None:
    elsewhere = published.model_copy(
        update={"index": published.index.model_copy(update={"folder": str(tmp_path / "elsewhere")})}
    )
    newer = bundle_with_a_new_track(elsewhere)
    PublishedBundles(Store(database)).publish(Path(elsewhere.index.folder) / newer.version)
    play(published, query, user_id="ada", track_id="t000")
    assert served(database, "ada")[0] == newer.version
    assert (Path(published.index.folder) / newer.version / "manifest.json").exists()
