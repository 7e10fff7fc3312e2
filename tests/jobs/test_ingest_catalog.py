"""Ingesting: what a run writes, that the next changes nothing, and what it notices."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from pymongo.database import Database

from batch_jobs.ingest_catalog import Summary, run
from segue.catalog.tracks import track_id
from segue.errors import SegueError
from segue.settings import ROOT, Settings
from segue.storage.mongo import Document
from tests.catalog.library import fma, picture, song, tag


@pytest.fixture(scope="module")
def songs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("songs")
    for number, ending in enumerate(("mp3", "ogg", "flac", "m4a", "wav")):
        song(folder / f"{number}.{ending}", seconds=1.0, seed=number)
    return folder


@pytest.fixture
def music(tmp_path: Path, songs: Path) -> Path:
    """A library of five tracks in folders: the first has tags and a cover."""
    root = tmp_path / "Music"
    for file in sorted(songs.iterdir()):
        target = root / "Nina" / f"disc {int(file.stem) % 2}" / file.name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(file.read_bytes())
    first = root / "Nina" / "disc 0" / "0.mp3"
    tag(first, title="Feeling", artist="Nina", album="One", genre="Jazz", cover=picture())
    return root


def counts(summary: Summary) -> tuple[int, int, int, int, int]:
    return summary.new, summary.changed, summary.unchanged, summary.vanished, summary.rejected


def contents(database: Database[Document]) -> dict[str, list[Document]]:
    return {name: list(database[name].find().sort("_id")) for name in ("tracks", "covers", "rejected_tracks")}


def ingest(database: Database[Document], root: Path, **others: Any) -> Summary:
    return run(database, root, quiet=True, **others)


def test_every_track_is_written_whole(database: Database[Document], music: Path) -> None:
    assert counts(ingest(database, music)) == (5, 0, 0, 0, 0)
    path = music / "Nina" / "disc 0" / "0.mp3"
    found = database.tracks.find_one({"title": "Feeling"})
    assert found is not None
    cover = database.covers.find_one({"_id": found.pop("cover_id")})
    assert cover is not None and cover["type"] == "image/jpeg" and cover["data"][:2] == b"\xff\xd8"
    assert found.pop("duration_ms") == pytest.approx(1000, abs=100)
    assert found == {
        "_id": track_id("Music", path.relative_to(music)),
        "library": "Music",
        "path": str(path),
        "title": "Feeling",
        "artist": "Nina",
        "album": "One",
        "genres": ["Jazz"],
        "track": 3,
        "year": 1987,
        "size": path.stat().st_size,
        "modified_ns": path.stat().st_mtime_ns,
        "state": "present",
    }


def test_a_second_run_changes_nothing(
    database: Database[Document], music: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (music / "empty.mp3").touch()
    ingest(database, music)
    before = contents(database)
    assert counts(ingest(database, music)) == (0, 0, 5, 0, 1)
    assert contents(database) == before
    monkeypatch.chdir(music)  # nor does another way of naming the folder
    assert counts(ingest(database, Path())) == (0, 0, 5, 0, 1)
    assert contents(database) == before


def test_changed_vanished_and_returned_files_are_noticed(database: Database[Document], music: Path) -> None:
    ingest(database, music)
    first, second = music / "Nina/disc 0/0.mp3", music / "Nina/disc 1/1.ogg"
    tag(first, title="Another", artist="Nina", album="One", genre="Jazz")
    data, times = second.read_bytes(), second.stat().st_mtime_ns
    second.unlink()
    assert counts(ingest(database, music)) == (0, 1, 3, 1, 0)
    assert database.tracks.count_documents({"title": "Another", "state": "present"}) == 1
    assert [track["path"] for track in database.tracks.find({"state": "vanished"})] == [str(second)]
    second.write_bytes(data)
    os.utime(second, ns=(times, times))
    assert counts(ingest(database, music)) == (0, 1, 4, 0, 0)
    assert database.tracks.count_documents({"state": "present"}) == 5


def test_a_file_is_rejected_until_it_is_put_right(
    database: Database[Document], music: Path, songs: Path
) -> None:
    bad = music / "bad.mp3"
    bad.write_bytes(picture())
    (music / "loop").symlink_to(music)
    ingest(database, music)
    found = {document["path"]: document for document in database.rejected_tracks.find()}
    assert {path: document["reason"] for path, document in found.items()} == {
        str(bad): "not-audio",
        str(music / "loop"): "symlink-loop",
    }
    assert found[str(bad)]["_id"] == f"ingest:{bad}" and found[str(bad)]["stage"] == "ingest"
    bad.write_bytes((songs / "0.mp3").read_bytes())
    assert counts(ingest(database, music)) == (1, 0, 5, 0, 1)
    assert [document["reason"] for document in database.rejected_tracks.find()] == ["symlink-loop"]
    bad.write_bytes(b"")
    assert counts(ingest(database, music)) == (0, 0, 5, 1, 2)  # what had become a track is one no more


def test_a_moved_library_keeps_its_tracks(database: Database[Document], music: Path, tmp_path: Path) -> None:
    ingest(database, music)
    ids = set(database.tracks.distinct("_id"))
    moved = tmp_path / "disk" / "Music"
    moved.parent.mkdir()
    music.rename(moved)
    assert counts(ingest(database, moved)) == (0, 0, 5, 0, 0)
    assert set(database.tracks.distinct("_id")) == ids
    assert all(Path(path).is_relative_to(moved) for path in database.tracks.distinct("path"))


def test_two_folders_of_one_name_need_two_names(
    database: Database[Document], music: Path, tmp_path: Path
) -> None:
    ingest(database, music)
    other = tmp_path / "b" / "Music"
    song(other / "x.mp3")
    with pytest.raises(SegueError, match="give another --name"):
        ingest(database, other)
    assert database.tracks.count_documents({"state": "present"}) == 5
    assert counts(ingest(database, other, name="Second")) == (1, 0, 0, 0, 0)
    assert database.tracks.count_documents({"state": "present"}) == 6


def test_an_empty_folder_does_not_empty_the_catalogue(database: Database[Document], tmp_path: Path) -> None:
    song(tmp_path / "Music" / "a.mp3")
    ingest(database, tmp_path / "Music")
    (tmp_path / "Music" / "a.mp3").unlink()
    with pytest.raises(SegueError, match="has no music"):
        ingest(database, tmp_path / "Music")
    with pytest.raises(SegueError, match="is not a folder"):
        ingest(database, tmp_path / "nowhere")
    assert database.tracks.count_documents({"state": "present"}) == 1


def test_many_files_go_over_several_processes_with_the_same_result(
    database: Database[Document], music: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (music / "bad.mp3").write_bytes(picture())
    monkeypatch.setattr("segue.catalog.read.FEW", 0)
    assert counts(ingest(database, music)) == (5, 0, 0, 0, 1)
    monkeypatch.undo()
    spread = contents(database)
    for name in spread:
        database[name].drop()
    ingest(database, music)
    assert [track | {"at": 0} for track in spread["tracks"]] == [
        track | {"at": 0} for track in contents(database)["tracks"]
    ]


def test_fmas_tables_go_before_the_tags(database: Database[Document], tmp_path: Path) -> None:
    root = fma(tmp_path / "fma")
    first = ingest(database, root, fma=True)
    assert counts(first) == (5, 0, 0, 0, 0)
    assert (first.without_audio, first.without_metadata) == (1, 1)
    tracks = {
        Path(track["path"]).relative_to(root).as_posix(): track
        for track in database.tracks.find({"state": "present"})
    }
    assert set(tracks) == {
        "fma_large/000/000002.mp3",  # also in fma_small: one track
        "fma_large/000/000005.mp3",
        "fma_large/000/000010.mp3",
        "fma_large/000/000141.mp3",
        "fma_small/000/000140.mp3",
    }
    known = tracks["fma_large/000/000002.mp3"]
    assert (known["title"], known["artist"], known["genres"]) == ("Food", "AWOL", ["Hip-Hop"])
    assert known["_id"] == track_id("fma", Path("000/000002.mp3"))  # whichever subset it comes from
    assert tracks["fma_large/000/000141.mp3"]["title"] == "000141"
    assert (known["subset"], known["listens"], known["tags"], known["licence"]) == (
        "small",
        1293,
        ["crew"],
        "CC BY-NC",
    )
    with pytest.raises(SegueError, match=r"no fma_metadata/tracks\.csv"):
        ingest(database, root / "fma_small", fma=True)


def test_the_command_line(
    settings: Settings, database: Database[Document], music: Path, tmp_path: Path
) -> None:
    addresses = {
        "SEGUE_MONGO__URI": settings.mongo.uri,
        "SEGUE_MONGO__DATABASE": settings.mongo.database,
        "SEGUE_KAFKA__BOOTSTRAP": "127.0.0.1:1",
    }

    def call(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "batch_jobs.ingest_catalog", *arguments]
        return subprocess.run(
            command, env=os.environ | addresses, cwd=ROOT, capture_output=True, text=True, check=False
        )

    done = call(str(music), "--json", str(tmp_path / "summary.json"))
    assert done.returncode == 0, done.stderr
    assert "Music: 5 tracks; 5 new, 0 changed, 0 unchanged, 0 vanished, 0 rejected" in done.stdout
    assert '"new": 5' in (tmp_path / "summary.json").read_text()
    wrong = call(str(tmp_path / "nowhere"))
    assert wrong.returncode == 1
    assert wrong.stderr == f"segue: {tmp_path}/nowhere is not a folder: give the folder that has the music\n"
    assert "Example: ./run.sh ingest ~/Music" in call("--help").stdout


def test_fmas_tracks_without_audio_wait_for_it(database: Database[Document], tmp_path: Path) -> None:
    root = fma(tmp_path / "fma")
    ingest(database, root)
    (silent,) = database.tracks.find({"state": "no-audio"})
    assert (silent["title"], silent["duration_ms"]) == ("No Audio Here", 99_000)
    assert silent["_id"] == track_id("fma", Path("155/155000.mp3"))
    assert counts(ingest(database, root)) == (0, 0, 5, 0, 0)

    song(root / "fma_large" / "155" / "155000.mp3", seed=9)
    (root / "fma_small" / "000" / "000140.mp3").unlink()
    assert counts(ingest(database, root)) == (1, 0, 4, 0, 0)
    assert database.tracks.find_one({"_id": silent["_id"]}, {"state": 1}) == {
        "_id": silent["_id"],
        "state": "present",
    }
    assert [track["title"] for track in database.tracks.find({"state": "no-audio"})] == ["Queen's Square"]
