"""New and removed tracks under a running stream: only the new are decoded, and they are recommended."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from pymongo.database import Database
from pyspark.sql import SparkSession

from segue.batch_jobs import build_index, extract_features, ingest_catalog, train_embeddings
from segue.catalog.track import track_id
from segue.plays.delivery import PlayProducer
from segue.settings import Settings
from segue.storage.mongo import Document
from segue.storage.store import Store
from segue.streaming_jobs import recommend
from tests.catalog.library import song, tag
from tests.plays.examples import a_play


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return settings.model_copy(
        update={"audio": settings.audio.model_copy(update={"max_duration": timedelta(seconds=4)})}
    )


@pytest.fixture
def music(tmp_path: Path) -> Iterator[Path]:
    """A library of ten tracks, each by another artist."""
    root = tmp_path / "Music"
    for number in range(10):
        path = song(root / f"{number}.flac", seed=number)
        tag(path, title=str(number), artist=f"Artist {number}", album="One", genre="Jazz")
    yield root
    shutil.rmtree(root)


def own_id(name: str) -> str:
    return track_id("Music", Path(name))  # type: ignore[arg-type]


def batch(
    spark: SparkSession, settings: Settings, database: Database[Document], root: Path
) -> tuple[int, int, bool]:
    """The whole batch side; how many were decoded, how many embedded, and whether the space was fitted."""
    ingest_catalog.run(Store(database), root, quiet=True)
    described = extract_features.run(spark, settings, Store(database), quiet=True)
    embedded = train_embeddings.run(settings, Store(database))
    build_index.run(Store(database), settings.index)
    return described.computed, embedded.embedded, embedded.fitted


def test_new_tracks_are_recommended_and_removed_ones_are_not(
    spark: SparkSession, broker: Settings, database: Database[Document], music: Path
) -> None:
    def recommended(listener: str) -> list[str]:
        time.sleep(0.6)  # the stream looks for another index at most every half second
        with PlayProducer(broker.kafka) as producer:
            producer.send(a_play(user_id=listener, track_id=own_id("0.flac")))
        query.processAllAvailable()
        found = database.recommendations.find_one({"_id": listener})
        assert found is not None
        return [item["track_id"] for item in found["items"]]

    assert batch(spark, broker, database, music) == (10, 10, True)
    query = recommend.start(spark, broker)
    try:
        assert set(recommended("ada")) == {own_id(f"{number}.flac") for number in range(1, 10)}
        before = {document["_id"]: document for document in database.embeddings.find()}

        for name in ("new.wav", "other.wav"):  # the first sounds as 0.flac does
            path = song(music / name, seed=0 if name == "new.wav" else 50)
            tag(path, title=name, artist=name, album="Two", genre="Jazz")
        assert batch(spark, broker, database, music) == (2, 2, False)
        after = {document["_id"]: document for document in database.embeddings.find()}
        assert {key: after[key] for key in before} == before and len(after) == 12
        found = recommended("ben")
        assert found[0] == own_id("new.wav") and own_id("other.wav") in found

        (music / "new.wav").unlink()
        assert batch(spark, broker, database, music) == (0, 0, False)
        assert database.embeddings.count_documents({"track_id": own_id("new.wav")}) == 0
        assert own_id("new.wav") not in recommended("cleo")
        assert own_id("other.wav") in recommended("dora")
    finally:
        query.stop()
