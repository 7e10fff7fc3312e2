"""Ingesting: the documents of a run, a second run without changes, and the changes that it notices."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path, PurePosixPath
from typing import Any

import pytest
from pymongo.database import Database

from segue.audio.payload import sketch
from segue.batch_jobs.ingest_catalog import IngestSummary, run
from segue.catalog.grouped_tracks import GROUPING
from segue.catalog.search import TrackSearch
from segue.catalog.track import READER, track_id
from segue.catalog.tracks import Tracks
from segue.errors import SegueError
from segue.places import ROOT
from segue.settings import Settings
from segue.storage.mongo import Document
from segue.storage.store import Store
from tests.catalog.library import fma, label, picture, song, tag


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


def counts(summary: IngestSummary) -> tuple[int, int, int, int, int]:
    return summary.new, summary.changed, summary.unchanged, summary.vanished, summary.rejected


def contents(database: Database[Document]) -> dict[str, list[Document]]:
    return {name: list(database[name].find().sort("_id")) for name in ("tracks", "covers", "rejected_tracks")}


def ingest(database: Database[Document], root: Path, **others: Any) -> IngestSummary:
    return run(Store(database), root, quiet=True, **others)


def test_every_track_is_written_whole(database: Database[Document], music: Path) -> None:
    assert counts(ingest(database, music)) == (5, 0, 0, 0, 0)
    path = music / "Nina" / "disc 0" / "0.mp3"
    found = database.tracks.find_one({"title": "Feeling"})
    assert found is not None
    cover = database.covers.find_one({"_id": found.pop("cover_id")})
    assert cover is not None and cover["type"] == "image/jpeg" and cover["data"][:2] == b"\xff\xd8"
    assert found.pop("duration_ms") == pytest.approx(1000, abs=100)
    assert datetime.now(UTC) - found.pop("added_at") < timedelta(minutes=10)
    assert found.pop("details") == {"artists": ["Nina"], "released": "1987-05-01"}
    (album,) = database.albums.find({"name": "One"})
    assert (found.pop("album_id"), found.pop("album_key")) == (album["_id"], "one")
    assert (found.pop("counted"), found.pop("grouped")) == (["nina"], GROUPING)
    assert found == {
        "_id": track_id("Music", PurePosixPath(path.relative_to(music))),
        "library": "Music",
        "path": str(path),
        "file_key": "0.mp3",
        "title": "Feeling",
        "artist": "Nina",
        "artist_keys": ["nina"],
        "album": "One",
        "genres": ["Jazz"],
        "tags": [],
        "track": 3,
        "year": 1987,
        "size": path.stat().st_size,
        "modified_ns": path.stat().st_mtime_ns,
        "changed_ns": path.stat().st_ctime_ns,
        "inode": path.stat().st_ino,
        "device": path.stat().st_dev,
        "place": track_id("Music", PurePosixPath(path.relative_to(music))),
        "sketch": sketch(path),
        "cue": None,
        "lyrics_digest": None,
        "spoken": False,
        "pictures": None,
        "reader": READER,
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


def test_new_tags_are_seen_although_size_and_time_of_the_file_stay(
    database: Database[Document], music: Path
) -> None:
    path = music / "Nina/disc 0/0.mp3"
    tag(path, title="Before", artist="Nina", album="One", genre="Jazz")
    ingest(database, music)
    before = path.stat()
    tag(path, title="Beyond", artist="Nina", album="One", genre="Jazz")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    after = path.stat()
    assert (after.st_size, after.st_mtime_ns) == (before.st_size, before.st_mtime_ns)
    assert counts(ingest(database, music)) == (0, 1, 4, 0, 0)
    assert database.tracks.count_documents({"title": "Beyond", "path": str(path)}) == 1


def test_a_new_version_of_the_reader_reads_all_files_once(database: Database[Document], music: Path) -> None:
    ingest(database, music)
    database.tracks.update_many({}, {"$set": {"reader": READER - 1, "title": "as the old one read it"}})
    assert counts(ingest(database, music)) == (0, 5, 0, 0, 0)
    assert database.tracks.count_documents({"title": "as the old one read it"}) == 0
    assert counts(ingest(database, music)) == (0, 0, 5, 0, 0)


@pytest.mark.parametrize("value", [1979, 0.5, None, [5], {"a": 1}, True, b"abc"], ids=str)
@pytest.mark.parametrize(
    "field", ["title", "artist", "genres", "duration_ms", "path", "size", "state", "known"]
)
def test_a_damaged_document_is_made_anew_from_its_file(
    database: Database[Document], music: Path, field: str, value: object
) -> None:
    ingest(database, music)
    before = contents(database)
    database.tracks.update_one({"title": "Feeling"}, {"$set": {field: value}})
    if field == "duration_ms" and value in (1979, None):  # a track may have this length, or an unknown one
        return
    if field == "known" and value is None:  # as good as none, which these tracks have
        database.tracks.update_many({}, {"$unset": {"known": ""}})
    ingest(database, music)
    assert contents(database) == before


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
    assert counts(ingest(database, music)) == (0, 0, 5, 1, 2)  # the file is no longer a track


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
    assert [track | {"added_at": 0} for track in spread["tracks"]] == [
        track | {"added_at": 0} for track in contents(database)["tracks"]
    ]


def test_fmas_tables_go_before_the_tags(database: Database[Document], tmp_path: Path) -> None:
    root = fma(tmp_path / "fma")
    assert counts(ingest(database, root, fma=True)) == (5, 0, 0, 0, 0)
    present = list(database.tracks.find({"state": "present"}))
    tracks = {Path(track["path"]).relative_to(root).as_posix(): track for track in present}
    assert set(tracks) == {
        "fma_large/000/000002.mp3",  # also in fma_small: one track
        "fma_large/000/000005.mp3",
        "fma_large/000/000010.mp3",
        "fma_large/000/000141.mp3",
        "fma_small/000/000140.mp3",
    }
    known = tracks["fma_large/000/000002.mp3"]
    assert (known["title"], known["artist"], known["genres"]) == ("Food", "AWOL", ["Hip-Hop"])
    assert known["_id"] == track_id("fma", PurePosixPath("000/000002.mp3"))  # whichever subset it comes from
    assert tracks["fma_large/000/000141.mp3"]["title"] == "000141"
    assert (known["year"], known["track"]) == (2009, 3)
    assert known["fma"] == {
        "tags": [],
        "listens": 1293,
        "seconds": 168,
        "subset": "small",
        "licence": "Attribution-NonCommercial-ShareAlike 3.0 International",
    }
    assert "fma" not in tracks["fma_large/000/000141.mp3"]
    with pytest.raises(SegueError, match=r"no fma_metadata/tracks\.csv"):
        ingest(database, root / "fma_small", fma=True)


def test_the_search_finds_tags(database: Database[Document], tmp_path: Path) -> None:
    root = fma(tmp_path / "fma")
    last = root / "fma_large/000/000010.mp3"
    tag(last, title="x", artist="y", album="z", genre="w")
    label(last, mood="Wistful", grouping="Dinner")
    ingest(database, root)

    def found(query: str) -> list[str]:
        return [track.title for track in TrackSearch(Tracks(Store(database))).search(query)]

    assert found("bedroom") == found("wistful") == found("dinner") == found("lo-fi wistful") == ["Freeway"]

    # A catalogue of 0.1 has FMA's tags elsewhere, and the files' are read at the next ingest.
    database.tracks.update_many({}, {"$unset": {"tags": 1, "reader": 1}})
    assert found("bedroom") == ["Freeway"] and found("wistful") == []
    assert counts(ingest(database, root)) == (0, 5, 0, 0, 0)
    assert found("wistful") == ["Freeway"]
    assert counts(ingest(database, root)) == (0, 0, 5, 0, 0)


def test_fma_reports_its_counts_and_keeps_tracks_without_audio(
    database: Database[Document], tmp_path: Path
) -> None:
    root = fma(tmp_path / "fma")
    (root / "fma_large/000/000005.mp3").write_bytes(b"")  # as some of the archive's own files are
    found = ingest(database, root)
    assert (found.listed, found.without_audio, found.without_metadata) == (5, 2, 1)
    assert (found.tracks, found.reasons) == (4, {"empty": 1})
    silent = {track["title"]: track for track in database.tracks.find({"state": "no-audio"})}
    assert set(silent) == {"This World", "No Audio Here"}
    lost = silent["No Audio Here"]
    assert (lost["artist"], lost["genres"], lost["path"]) == ("Nobody", ["Folk"], None)
    before = contents(database)
    assert counts(ingest(database, root)) == (0, 0, 4, 0, 1)
    assert contents(database) == before

    song(root / "fma_full/155/155000.mp3")  # its audio comes; another goes; a table is corrected
    (root / "fma_large/000/000010.mp3").unlink()
    table = root / "fma_metadata/tracks.csv"
    table.write_text(table.read_text().replace("Queen's Square", "King's Square"))
    again = ingest(database, root)
    assert (counts(again), again.without_audio) == ((0, 2, 2, 1, 1), 2)
    assert set(database.tracks.distinct("title", {"state": "no-audio"})) == {"This World", "Freeway"}
    assert database.tracks.find_one({"title": "No Audio Here"})["state"] == "present"  # type: ignore[index]
    assert database.tracks.count_documents({"title": "King's Square", "state": "present"}) == 1


def test_the_command_line(
    settings: Settings, database: Database[Document], music: Path, tmp_path: Path
) -> None:
    addresses = {
        "SEGUE_MONGO__URI": settings.mongo.uri,
        "SEGUE_MONGO__DATABASE": settings.mongo.database,
        "SEGUE_KAFKA__BOOTSTRAP_SERVERS": "127.0.0.1:1",
    }

    def call(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "segue", "library", "ingest", *arguments]
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
    assert "Example: ./run.sh library ingest ~/Music" in call("--help").stdout
