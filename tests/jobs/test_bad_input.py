"""Every kind of bad file: the reason for its rejection, or that it is accepted; and the job continues."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import wave
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
import soundfile
from pymongo.database import Database
from pyspark.sql import SparkSession

from segue.batch_jobs import extract_features, ingest_catalog
from segue.places import ROOT
from segue.settings import Settings
from segue.storage.mongo import Document
from segue.storage.store import Store
from tests.audio.sounds import RATE, cut, melody, write
from tests.catalog.library import picture, song

NOBODY = 65534


def ten_hours(path: Path, *, rate: int = 8000) -> None:
    """A melody in the middle of ten hours of silence, in a file that has a hole instead of the silence."""
    frames = 10 * 3600 * rate
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.setnframes(frames)
        file.writeframesraw(b"")
        file._patchheader = lambda: None  # type: ignore[attr-defined]  # the rest comes by other means
        file._datawritten = frames * 2  # type: ignore[attr-defined]
        file._nframeswritten = frames  # type: ignore[attr-defined]
        file._ensure_header_written(0)  # type: ignore[attr-defined]
    header = path.stat().st_size
    os.truncate(path, header + 2 * frames)
    with path.open("r+b") as raw:
        raw.seek(header + frames - 5 * rate * 2)
        raw.write((melody(seconds=10, rate=rate) * 32767).astype("<i2").tobytes())


def test_each_has_its_reason_or_its_features(
    spark: SparkSession, settings: Settings, database: Database[Document], tmp_path: Path
) -> None:
    short = settings.audio.model_copy(update={"max_duration": timedelta(seconds=4)})
    settings = settings.model_copy(update={"audio": short})
    root = tmp_path / "Music"
    for name in ("good.mp3", "two\nlines 🎺.ogg"):
        song(root / name)
    (root / "empty.mp3").touch()
    (root / "picture.mp3").write_bytes(picture())
    (root / "text.flac").write_text("no music\n" * 100)
    (root / "list.m4a").write_text("#EXTM3U\n/etc/passwd\n")
    cut(write(root / "half.mp3", melody(seconds=20.0)), share=0.4)
    song(root / "a.flac").rename(root / "really flac.mp3")
    ten_hours(root / "ten hours.wav")
    write(root / "eight channels.wav", np.stack([melody()] * 8, axis=1))
    write(root / "odd rate.wav", melody(rate=11127), rate=11127)
    write(root / "high rate.flac", melody(rate=192_000), rate=192_000)
    write(root / "silent.flac", np.zeros(5 * RATE, np.float32))
    soundfile.write(root / "nan.wav", np.full(5 * RATE, np.nan, np.float32), RATE, subtype="FLOAT")
    write(root / "short.ogg", melody(seconds=1.0))
    (root / "loop").symlink_to(root)
    (root / "self.mp3").symlink_to("self.mp3")
    os.mkfifo(root / "pipe.mp3")
    Path(os.fsdecode(os.fsencode(root) + b"/caf\xe9.mp3")).write_bytes(b"x")

    summary = ingest_catalog.run(Store(database), root, quiet=True)
    extract_features.run(spark, settings, Store(database), quiet=True)
    found = {
        Path(item["path"]).name: (item["stage"], item["reason"]) for item in database.rejected_tracks.find()
    }
    assert found == {
        "empty.mp3": ("ingest", "empty"),
        "picture.mp3": ("ingest", "not-audio"),
        "text.flac": ("ingest", "not-audio"),
        "list.m4a": ("ingest", "not-audio"),
        "loop": ("ingest", "symlink-loop"),
        "self.mp3": ("ingest", "symlink-loop"),
        "pipe.mp3": ("ingest", "not-a-file"),
        "caf\\xe9.mp3": ("ingest", "not-audio"),
        "half.mp3": ("features", "truncated"),
        "silent.flac": ("features", "silent"),
        "nan.wav": ("features", "not-finite"),
        "short.ogg": ("features", "too-short"),
    }
    described = database.features.distinct("_id")
    assert {Path(track["path"]).name for track in database.tracks.find({"_id": {"$in": described}})} == {
        "good.mp3",
        "two\nlines 🎺.ogg",
        "really flac.mp3",
        "ten hours.wav",
        "eight channels.wav",
        "odd rate.wav",
        "high rate.flac",
    }
    assert summary.reasons["symlink-loop"] == 2
    long = database.tracks.find_one({"title": "ten hours"})
    assert long is not None and long["duration_ms"] == 36_000_000


def test_the_command_shows_them(settings: Settings, database: Database[Document], tmp_path: Path) -> None:
    root = tmp_path / "Music"
    song(root / "good.wav")
    (root / "two\nlines 🎺.mp3").touch()
    (root / "picture.mp3").write_bytes(picture())
    (root / "loop").symlink_to(root)
    ingest_catalog.run(Store(database), root, quiet=True)
    shown = rejected_tracks(settings, database)
    assert "3 rejected tracks: 1 " in shown.splitlines()[0]
    reasons = {"two\\nlines \\U0001f3ba.mp3": "empty", "picture.mp3": "not-audio", "loop": "symlink-loop"}
    for name, reason in reasons.items():
        assert any(name in line and reason in line for line in shown.splitlines()), shown
    only = rejected_tracks(settings, database, "--reason", "empty")
    assert "1 rejected tracks: 1 empty" in only and "picture.mp3" not in only


def rejected_tracks(settings: Settings, database: Database[Document], *arguments: str) -> str:
    environment = {
        "SEGUE_MONGO__URI": settings.mongo.uri,
        "SEGUE_MONGO__DATABASE": settings.mongo.database,
        "COLUMNS": "400",
    }
    command = [sys.executable, "-m", "segue", "library", "rejected", *arguments]
    return subprocess.run(
        command, env=os.environ | environment, cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that another user can get into."""
    folder = Path(tempfile.mkdtemp(dir="/tmp"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


def test_a_file_that_may_not_be_read_has_a_reason(database: Database[Document], open_folder: Path) -> None:
    song(open_folder / "open.wav").chmod(0o644)
    song(open_folder / "closed.wav").chmod(0o000)
    (open_folder / "room").mkdir(mode=0o700)
    (open_folder / "room").chmod(0o000)
    as_root = os.geteuid() == 0
    if as_root:  # who may read everything
        os.seteuid(NOBODY)
    try:
        summary = ingest_catalog.run(Store(database), open_folder, quiet=True)
    finally:
        if as_root:
            os.seteuid(0)
        (open_folder / "room").chmod(0o700)
    assert (summary.tracks, summary.reasons) == (1, {"unreadable": 2})
    paths = database.rejected_tracks.distinct("path")
    assert {Path(path).name for path in paths} == {"closed.wav", "room"}
