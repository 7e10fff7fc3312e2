"""From audio files to recommendations, through the jobs and real servers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from pymongo.database import Database
from pyspark.sql import SparkSession

from segue.audio.errors import AudioError
from segue.batch_jobs import build_index, extract_features, ingest_catalog, train_embeddings
from segue.demo.library import TRACKS
from segue.demo.listeners import SimulatedListener
from segue.demo.replay import MALFORMED, replay, songs_of
from segue.embeddings.audio_space import AudioSpace
from segue.embeddings.files import embed_file
from segue.index.published import PublishedBundles
from segue.plays.delivery import PlayProducer
from segue.settings import Settings
from segue.storage.kafka import read_rejected
from segue.storage.mongo import Document
from segue.storage.store import Store
from segue.streaming_jobs import recommend, rejected_plays
from tests.conftest import Compose
from tests.streaming.conftest import run_until_all_is_taken

STYLES = ("Waltz", "Metal")


@pytest.fixture
def library(tmp_path: Path, compose: Compose) -> Path:
    """Twelve composed tracks of two styles, and three files that are none."""
    folder = tmp_path / "music"
    chosen = [track for track in TRACKS if track.style in STYLES and track.place < 6]
    compose(folder, chosen)
    (folder / "empty.mp3").touch()
    (folder / "picture.mp3").write_bytes(b"\xff\xd8\xff\xe0" + b"not music" * 100)
    (folder / "notes.txt").write_text("no music either, and not named like any")
    return folder


@pytest.mark.integration
def test_recordings_become_recommendations(
    spark: SparkSession, broker: Settings, database: Database[Document], library: Path
) -> None:
    ingest_catalog.run(Store(database), library, quiet=True)
    extract_features.run(spark, broker, Store(database), quiet=True)
    train_embeddings.run(broker, Store(database))
    built = build_index.run(Store(database), broker.index)
    rejected = {Path(d["path"]).name for d in database.rejected_tracks.find()}
    assert rejected == {"empty.mp3", "picture.mp3"}
    assert database.embeddings.count_documents({}) == 12

    listeners = [
        SimulatedListener("ada", ("Waltz",)),
        SimulatedListener("ben", ("Metal",)),
        SimulatedListener("eve", STYLES),
    ]
    songs = songs_of(Store(database))
    with PlayProducer(broker.kafka) as producer:
        sent = replay(producer, listeners, songs, tracks=12, per_second=1e6, malformed=True)
    run_until_all_is_taken(spark, broker, (recommend, rejected_plays))

    styles = {song.track_id: song.style for song in songs}
    lists = {d["_id"]: d for d in database.recommendations.find()}
    assert set(lists) == {"ada", "ben", "eve"}
    for listener in listeners:
        found = lists[listener.user_id]
        assert found["reflects_at"] == dict(sent.signals)[listener.user_id]
        assert found["model"] == built.manifest.version
        windows = database.tastes.find_one({"_id": listener.user_id})["windows"].values()  # type: ignore[index]
        heard = {track for window in windows for track in window["tracks"]}
        fresh = sum(style == listener.style for t, style in styles.items() if t not in heard)
        assert fresh
        assert [styles[item["track_id"]] for item in found["items"][:fresh]] == [listener.style] * fresh
    assert len(list(read_rejected(broker.kafka))) == len(MALFORMED)

    _an_uploaded_file_lands_where_the_corpus_has_it(broker, database, library)


def _an_uploaded_file_lands_where_the_corpus_has_it(
    settings: Settings, database: Database[Document], library: Path
) -> None:
    """The same code places a file from outside: a track of the library is its own nearest neighbour."""
    space = AudioSpace.load(Store(database))
    version = str(database.models.find_one({"_id": "active:index"})["version"])  # type: ignore[index]
    bundle = PublishedBundles(Store(database)).load(version, folder=settings.index.folder)
    [file] = sorted(library.rglob("01 *.mp3"))[:1]
    vector = embed_file(file, space, settings)
    rows, scores = bundle.neighbours.query(np.asarray([vector], dtype=np.float32).reshape(1, -1), 1)
    track = database.tracks.find_one({"_id": bundle.ids(rows[0])[0]}) or {}
    assert Path(track["path"]).name == file.name
    assert scores[0][0] == pytest.approx(1, abs=1e-4)
    with pytest.raises(AudioError):
        embed_file(library / "picture.mp3", space, settings)
