"""The features job: its documents, no repeated work, and continuing after an interruption."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import soundfile
from chispa import assert_df_equality
from pymongo.database import Database
from pyspark import TaskContext
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from segue.audio.describing import describe_row
from segue.audio.descriptors import descriptor_names, features_version
from segue.audio.loudness import measure
from segue.batch_jobs import extract_features, ingest_catalog, tracks_in_parts
from segue.batch_jobs.extract_features import ExtractionSummary, find_work, run, transform
from segue.batch_jobs.tracks_in_parts import processed_in_parts
from segue.settings import Settings
from segue.storage.mongo import Document, unpack
from segue.storage.store import Store
from tests.audio.sounds import RATE, cut, melody, write
from tests.catalog.library import song


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return settings.model_copy(
        update={"audio": settings.audio.model_copy(update={"max_duration": timedelta(seconds=4)})}
    )


@pytest.fixture
def music(tmp_path: Path) -> Path:
    root = tmp_path / "Music"
    for number, ending in enumerate(("wav", "mp3", "m4a", "ogg")):
        song(root / f"{number}.{ending}", seed=number)
    return root


def catalogue(database: Database[Document], root: Path) -> None:
    ingest_catalog.run(Store(database), root, quiet=True)


def did(summary: ExtractionSummary) -> tuple[int, int, int, int]:
    return summary.tracks, summary.computed, summary.rejected, summary.removed


def stored(database: Database[Document]) -> dict[str, Any]:
    return {document["_id"]: document for document in database.features.find()}


def test_the_transform_describes_or_says_why_not(
    spark: SparkSession, settings: Settings, tmp_path: Path
) -> None:
    good = song(tmp_path / "good.flac")
    (tmp_path / "empty.mp3").touch()
    files = {"a": good, "b": tmp_path / "empty.mp3", "c": tmp_path / "gone.mp3"}
    paths = [(own, str(path), 0.0, None) for own, path in files.items()]
    found = transform(spark.createDataFrame(paths, tracks_in_parts.TRACK), settings).cache()
    expected = [
        ("a", True, None, None),
        ("b", False, "empty", "0 bytes"),
        ("c", False, "missing", "no such file"),
    ]
    assert_df_equality(
        found.select("track_id", F.isnotnull("vector").alias("described"), "reason", "detail"),
        spark.createDataFrame(expected, "track_id string, described boolean, reason string, detail string"),
        ignore_row_order=True,
        ignore_nullable=True,
    )
    here = describe_row(str(good), settings.audio)["vector"]
    there = found.where("vector is not null").collect()[0].vector
    np.testing.assert_allclose(unpack(bytes(there)), unpack(here), rtol=1e-5)  # type: ignore[arg-type]


def test_features_are_written_and_only_missing_ones_are_computed(
    spark: SparkSession, settings: Settings, database: Database[Document], music: Path
) -> None:
    catalogue(database, music)
    assert did(run(spark, settings, Store(database), quiet=True)) == (4, 4, 0, 0)
    before = stored(database)
    for document in before.values():
        vector = unpack(document["vector"])
        assert vector.shape == (len(descriptor_names(settings.audio)),) and np.isfinite(vector).all()
        assert document["version"] == features_version(settings.audio)
    assert did(run(None, settings, Store(database), quiet=True)) == (4, 0, 0, 0)
    assert stored(database) == before

    song(music / "3.ogg", seed=99)
    song(music / "new.flac", seed=5)
    (music / "0.wav").unlink()
    catalogue(database, music)
    long_ago = datetime.now(UTC) - settings.library.keep_missing - timedelta(days=1)
    database.tracks.update_many({"state": "vanished"}, {"$set": {"missing_since": long_ago}})
    assert did(run(spark, settings, Store(database), quiet=True)) == (4, 2, 0, 1)
    after = stored(database)
    kept = [key for key in before if after.get(key) == before[key]]
    assert len(kept) == 2


def test_loudness_is_measured_once(
    spark: SparkSession, settings: Settings, database: Database[Document], music: Path
) -> None:
    (music / "empty.mp3").write_bytes(b"no sound" * 100)
    catalogue(database, music)
    (music / "1.mp3").rename(music / "away")
    first = run(spark, settings, Store(database), quiet=True)
    assert first.measured == 3
    (music / "away").rename(music / "1.mp3")
    assert run(spark, settings, Store(database), quiet=True).measured == 1
    assert run(None, settings, Store(database), quiet=True).measured == 0
    assert extract_features.find_work(Store(database), settings).unmeasured == []
    for track in database.tracks.find():
        expected = measure(Path(track["path"]))
        assert (track["loudness"]["integrated"], track["loudness"]["peak"]) == (
            expected.integrated,
            expected.peak,
        )


def test_other_settings_make_another_version_of_all(
    spark: SparkSession, settings: Settings, database: Database[Document], music: Path
) -> None:
    catalogue(database, music)
    run(spark, settings, Store(database), quiet=True)
    other = settings.model_copy(update={"audio": settings.audio.model_copy(update={"n_mfcc": 13})})
    assert did(run(spark, other, Store(database), quiet=True)) == (4, 4, 0, 0)
    assert set(database.features.distinct("version")) == {features_version(other.audio)}


def test_files_that_cannot_be_described_are_kept_with_their_reason(
    spark: SparkSession, settings: Settings, database: Database[Document], music: Path
) -> None:
    write(music / "silent.flac", np.zeros(5 * RATE, np.float32))
    write(music / "short.ogg", melody(seconds=1.0))
    cut(write(music / "half.mp3", melody(seconds=20.0)), share=0.4)
    nan = melody()
    nan[500] = np.nan
    soundfile.write(music / "nan.wav", nan, RATE, subtype="FLOAT")
    write(music / "eight\nchannels 🎺.wav", np.stack([melody()] * 8, axis=1))
    catalogue(database, music)
    summary = run(spark, settings, Store(database), quiet=True)
    assert did(summary) == (5, 5, 4, 0)
    found = {
        Path(item["path"]).name: item["reason"]
        for item in database.rejected_tracks.find({"stage": "features"})
    }
    assert found == {
        "silent.flac": "silent",
        "short.ogg": "too-short",
        "half.mp3": "truncated",
        "nan.wav": "not-finite",
    }
    assert summary.reasons == {reason: 1 for reason in found.values()}
    # They are not tried again as long as they are the same...
    assert find_work(Store(database), settings).missing == []
    # ...and are rejected no more once they are put right, or gone.
    song(music / "silent.flac")
    (music / "nan.wav").unlink()
    catalogue(database, music)
    assert did(run(spark, settings, Store(database), quiet=True)) == (6, 1, 2, 0)


def test_a_missing_file_is_tried_again(
    spark: SparkSession, settings: Settings, database: Database[Document], music: Path
) -> None:
    catalogue(database, music)
    (music / "0.wav").rename(music / "away")
    assert did(run(spark, settings, Store(database), quiet=True)) == (3, 3, 1, 0)
    (music / "away").rename(music / "0.wav")
    assert did(run(spark, settings, Store(database), quiet=True)) == (4, 1, 0, 0)


def test_a_run_that_was_cut_short_goes_on_where_it_was(
    spark: SparkSession,
    settings: Settings,
    database: Database[Document],
    music: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    catalogue(database, music)
    monkeypatch.setattr(tracks_in_parts, "PER_TASK", 1)
    monkeypatch.setattr(tracks_in_parts, "TASKS_PER_CORE", 1)  # parts of two tracks
    real = extract_features.write
    calls: list[Any] = []

    def write_then_die(*arguments: Any) -> int:
        if calls:
            raise KeyboardInterrupt
        calls.append(arguments)
        return real(*arguments)

    monkeypatch.setattr(extract_features, "write", write_then_die)
    with pytest.raises(KeyboardInterrupt):
        run(spark, settings, Store(database), quiet=True)
    monkeypatch.setattr(extract_features, "write", real)
    assert len(stored(database)) == 2
    assert did(run(spark, settings, Store(database), quiet=True)) == (4, 2, 0, 0)


def last_waits_for(file: Path, tracks: DataFrame) -> DataFrame:
    """A step of which the last task ends when a file is there."""

    def step(frames: Iterator[pd.DataFrame]) -> Iterator[pd.DataFrame]:
        for frame in frames:
            while TaskContext.get().partitionId() == 3 and not file.exists():  # type: ignore[union-attr]
                time.sleep(0.01)
            yield frame[["track_id"]]

    return tracks.mapInPandas(step, "track_id string")


def test_progress_is_reported_within_a_part(
    spark: SparkSession,
    settings: Settings,
    database: Database[Document],
    music: Path,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    catalogue(database, music)
    monkeypatch.setattr(tracks_in_parts, "PER_TASK", 1)
    monkeypatch.setattr(tracks_in_parts, "REPORT_EVERY", 0.01)
    tracks = find_work(Store(database), settings).missing
    reports: list[int] = []

    def report(done: int) -> None:
        reports.append(done)
        if done:
            (tmp_path / "some").touch()

    parts = list(processed_in_parts(spark, tracks, partial(last_waits_for, tmp_path / "some"), report=report))
    assert [len(part) for part, _ in parts] == [4]
    assert reports == sorted(reports)
    assert set(reports) >= {0, 4}
    assert set(reports) & {1, 2, 3}
