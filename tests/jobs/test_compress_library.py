"""Compressing: the kept properties of a song, the unchanged files, and that a kill loses no song."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from datetime import timedelta
from pathlib import Path, PurePosixPath

import mutagen
import numpy as np
import pytest
from pymongo.database import Database

from segue.audio.compress import PART, decoded_seconds
from segue.audio.compressed_tags import MARK
from segue.audio.decode import decode
from segue.batch_jobs import ingest_catalog
from segue.batch_jobs.compress_library import CompressionSummary, run
from segue.catalog.cover_art import find_cover
from segue.catalog.tags import Tags, read_tags
from segue.errors import SegueError
from segue.places import ROOT
from segue.settings import load_settings
from segue.storage.mongo import Document
from segue.storage.store import Store
from tests.audio.sounds import RATE, cut, melody, write
from tests.catalog.library import picture, song, tag

FORMATS = ("mp3", "ogg", "m4a", "flac", "wav", "opus")


def shrink(folder: Path, *, kilobits: int = 64, originals: Path | None = None) -> CompressionSummary:
    return run(folder, kilobits=kilobits, originals=originals, quiet=True)


def counts(summary: CompressionSummary) -> tuple[int, int, int, int]:
    return summary.files, summary.compressed, summary.left, summary.failed


def tags_of(path: Path) -> tuple[Tags, bytes | None]:
    tags, found = read_tags(path, relative=PurePosixPath("x.mp3"))
    cover = find_cover(path, found)
    return tags, cover.data if cover else None


def loud(path: Path, *, seconds: float = 3.0, rate: int = 44100) -> Path:
    """A song of a high bit rate."""
    rng = np.random.default_rng(1)
    noise = 0.2 * rng.standard_normal((round(seconds * rate), 2)).astype(np.float32)
    return write(path, noise + melody(seconds=seconds, rate=rate)[:, None], rate=rate)


@pytest.mark.parametrize("ending", FORMATS)
def test_tags_cover_length_and_id_stay(tmp_path: Path, database: Database[Document], ending: str) -> None:
    root, name = tmp_path / "Music", f"Für 🎹\nElise.{ending}"
    path = tag(
        loud(root / name), title="Für", artist="Ada", album="One", genre="Jazz; Blues", cover=picture()
    )
    path.chmod(0o640)
    before, size, seconds = tags_of(path), path.stat().st_size, decoded_seconds(path)
    ingest_catalog.run(Store(database), root, quiet=True)
    ids = database.tracks.distinct("_id")
    summary = shrink(root)
    assert counts(summary) == (1, 1, 0, 0), summary.failures
    after = path if path.exists() else root / f"{name}.mp3"
    assert [file.name for file in root.iterdir()] == [after.name]
    assert tags_of(after)[1] == before[1] is not None
    was, now = before[0], tags_of(after)[0]
    assert (now.title, now.artist, now.album, now.genres, now.track, now.year) == (
        (was.title, was.artist, was.album, was.genres, was.track, was.year)
    )
    assert decoded_seconds(after) == pytest.approx(seconds, abs=0.25)
    assert after.stat().st_size < size == summary.bytes_before
    assert summary.bytes_saved == size - after.stat().st_size
    assert after.stat().st_mode & 0o777 == 0o640
    ingest_catalog.run(Store(database), root, quiet=True)
    assert database.tracks.distinct("_id", {"state": "present"}) == ids
    assert database.rejected_tracks.count_documents({}) == 0
    # A second run has nothing to do, although an encoder may have missed the rate by far.
    stamp = after.stat().st_mtime_ns
    assert counts(shrink(root)) == (1, 0, 1, 0) and after.stat().st_mtime_ns == stamp


def test_small_broken_and_linked_songs_are_left_unchanged(tmp_path: Path) -> None:
    root = tmp_path / "Music"
    loud(root / "large.mp3")
    (root / "empty.mp3").touch()
    (root / "picture.mp3").write_bytes(picture())
    cut(loud(root / "half.mp3", seconds=12.0), share=0.4)
    loud(root / "a.flac").rename(root / "flac.ogg")
    (root / "link.mp3").symlink_to(loud(tmp_path / "elsewhere.mp3"))
    song(root / "small.opus", seconds=3.0)
    before = {path.name: path.read_bytes() for path in root.iterdir()}
    summary = shrink(root, kilobits=96)
    assert counts(summary) == (6, 1, 1, 4), summary
    assert {Path(path).name: why.split(":")[0] for path, why in summary.failures.items()} == {
        "empty.mp3": "empty",
        "picture.mp3": "not-audio",
        "half.mp3": "truncated",
        "flac.ogg": "wrong-extension",
    }
    after = {path.name: path.read_bytes() for path in root.iterdir()}
    assert {name for name in before if before[name] != after.get(name)} == {"large.mp3"}
    assert after.keys() == before.keys() and (root / "link.mp3").is_symlink()


def test_originals_are_kept_on_request(tmp_path: Path) -> None:
    root = tmp_path / "Music"
    mp3, flac = loud(root / "a" / "1.mp3"), loud(root / "2.flac")
    before = mp3.read_bytes(), flac.read_bytes()
    with pytest.raises(SegueError, match="keep the originals elsewhere"):
        shrink(root, originals=root / "old")
    assert shrink(root, originals=tmp_path / "old").compressed == 2
    assert ((tmp_path / "old/a/1.mp3").read_bytes(), (tmp_path / "old/2.flac").read_bytes()) == before
    assert mp3.read_bytes() != before[0] and not flac.exists()


def test_a_lossless_song_whose_removal_was_cut_off_is_removed_by_the_next_run(tmp_path: Path) -> None:
    root = tmp_path / "Music"
    data = loud(root / "1.flac").read_bytes()
    shrink(root)
    (root / "1.flac").write_bytes(data)  # as it is when the run ends before the removal
    assert counts(shrink(root)) == (2, 1, 1, 0)
    assert [file.name for file in root.iterdir()] == ["1.flac.mp3"]
    # A file of that name that was not made here is nobody's to judge.
    (root / "1.flac").write_bytes(data)
    (root / "1.flac.mp3").unlink()
    loud(root / "1.flac.mp3", seconds=2.0)
    assert "name-taken" in "".join(shrink(root, kilobits=640).failures.values())
    assert (root / "1.flac").read_bytes() == data


def test_odd_songs_are_compressed_too(tmp_path: Path) -> None:
    root = tmp_path / "Music"
    write(root / "eight.wav", np.stack([melody()] * 8, axis=1))
    write(root / "odd.wav", melody(rate=11127), rate=11127)
    write(root / "silent.wav", np.zeros(3 * RATE, np.float32))
    summary = shrink(root)
    assert counts(summary) == (3, 3, 0, 0), summary.failures
    audio = load_settings().audio.model_copy(
        update={"sample_rate": RATE, "max_duration": timedelta(seconds=9)}
    )
    assert len(decode(root / "eight.wav.mp3", audio)) == pytest.approx(4 * RATE, rel=0.02)


def test_a_kill_at_any_moment_loses_no_song(tmp_path: Path) -> None:
    root, count = tmp_path / "Music", 10
    for number in range(count):
        path = loud(root / f"{number}.{'flac' if number % 4 == 0 else 'mp3'}", seconds=2.0)
        tag(path, title=f"Song {number}", artist="Ada", album="One", genre="Jazz", cover=picture())
    code = (
        "import sys; from pathlib import Path; from segue.batch_jobs.compress_library import run;"
        "print('begun', flush=True); run(Path(sys.argv[1]), kilobits=64, quiet=True)"
    )
    rng, kills = random.Random(4), 0
    for _ in range(40):
        process = subprocess.Popen([sys.executable, "-c", code, str(root)], cwd=ROOT, stdout=subprocess.PIPE)
        assert process.stdout is not None
        process.stdout.readline()
        time.sleep(rng.uniform(0.05, 0.1 + 0.1 * kills))  # soon at first, later than a song takes at last
        ended = process.poll()
        process.kill()
        process.communicate()
        songs = [path for path in root.iterdir() if not path.name.endswith(PART)]
        titles = set()
        for path in songs:
            assert decoded_seconds(path) == pytest.approx(2.0, abs=0.25), path
            titles.add(tags_of(path)[0].title)
        assert titles == {f"Song {number}" for number in range(count)}
        if ended is not None:
            assert ended == 0
            break
        kills += 1
    assert kills >= 2
    shrink(root)
    assert len(list(root.iterdir())) == count  # no part is left over
    assert all(f"TXXX:{MARK}" in mutagen.File(path).tags for path in root.iterdir())


def test_two_runs_in_one_folder_are_refused(tmp_path: Path) -> None:
    import fcntl
    import os

    root = tmp_path / "Music"
    loud(root / "a.mp3")
    opened = os.open(root, os.O_RDONLY)
    fcntl.flock(opened, fcntl.LOCK_EX)
    try:
        with pytest.raises(SegueError, match="another"):
            shrink(root)
    finally:
        os.close(opened)
