"""Compressing a folder: the report, a second run, and that a run killed at any moment loses no song."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest
from pymongo.database import Database

from batch_jobs.compress_audio import bits, run
from batch_jobs.ingest_catalog import run as ingest
from segue.audio.decode import decode
from segue.errors import SegueError
from segue.settings import ROOT
from segue.storage.mongo import Document
from tests.audio.sounds import cut
from tests.audio.test_compress import song


@pytest.fixture(scope="module")
def songs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("songs")
    for number, ending in enumerate(("mp3", "ogg", "opus", "m4a", "aac", "flac", "wav")):
        song(folder / f"{number}.{ending}", seed=number)
    return folder


@pytest.fixture
def music(tmp_path: Path, songs: Path) -> Path:
    return Path(shutil.copytree(songs, tmp_path / "Music"))


def test_songs_become_smaller_and_a_second_run_leaves_them_alone(music: Path, tmp_path: Path) -> None:
    before = {file.name: file.read_bytes() for file in music.iterdir()}
    cut(song(music / "broken.m4a"), share=0.4)
    first = run(music, bitrate=64_000, keep_originals=tmp_path / "kept", quiet=True)
    assert (first.compressed, first.left_alone, first.failed) == (5, {"lossless": 2}, 1)
    assert first.failures[0]["path"].endswith("broken.m4a")
    assert first.failures[0]["reason"] == "not-audio"
    kept = {file.name: file.read_bytes() for file in (tmp_path / "kept").iterdir()}
    assert kept == {name: data for name, data in before.items() if name[-4:] not in ("flac", ".wav")}
    now = {file.name: file.stat().st_size for file in music.iterdir() if file.name in before}
    assert first.bytes_saved == sum(len(before[name]) - size for name, size in now.items()) > 0
    second = run(music, bitrate=64_000, quiet=True)
    assert second.left_alone["lossless"] == 2
    assert (second.compressed, sum(second.left_alone.values()), second.bytes_saved) == (0, 7, 0)


def test_ids_stay_the_same(database: Database[Document], music: Path) -> None:
    assert ingest(database, music, quiet=True).new == 7
    ids = set(database.tracks.distinct("_id"))
    run(music, bitrate=64_000, quiet=True)
    (music / ".segue-0123456789abcdef.part").write_bytes(b"unfinished")
    after = ingest(database, music, quiet=True)
    assert (after.new, after.changed, after.vanished, after.rejected) == (0, 5, 0, 0)
    assert set(database.tracks.distinct("_id", {"state": "present"})) == ids


def test_a_run_killed_at_any_moment_loses_no_song(music: Path) -> None:
    names = {file.name for file in music.iterdir()}
    command = [sys.executable, "-P", "-m", "batch_jobs.compress_audio", str(music)]
    interrupted = 0
    for moment in (0.0, 0.1, 0.25, 0.5):  # seconds after the first unfinished result is seen
        process = subprocess.Popen(
            command,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        while process.poll() is None and not list(music.glob(".segue-*.part")):
            time.sleep(0.005)
        time.sleep(moment)
        process.kill()
        interrupted += process.wait() != 0
        assert {file.name for file in music.iterdir() if file.suffix != ".part"} == names
        for name in names:
            assert len(decode(music / name, sample_rate=8000, max_seconds=60)) == pytest.approx(
                24_000, abs=1200
            )
    assert interrupted
    run(music, bitrate=64_000, quiet=True)
    assert {file.name for file in music.iterdir()} == names


def test_originals_are_not_kept_inside_the_music(music: Path) -> None:
    with pytest.raises(SegueError, match="is inside"):
        run(music, bitrate=64_000, keep_originals=music / "kept", quiet=True)


@pytest.mark.parametrize("text", ["", "64x", "1k", "999k", "-64k"])
def test_a_bitrate_out_of_bounds_is_refused(text: str) -> None:
    with pytest.raises(SegueError, match="between 16k and 320k"):
        bits(text)
