"""A song that moves from the folder of one library to that of another keeps its track."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from pymongo.database import Database

from segue.batch_jobs.ingest_catalog import IngestSummary, run
from segue.batch_jobs.read_library import Rules
from segue.catalog.albums import Albums
from segue.catalog.features import Features
from segue.catalog.stamp import Stamp
from segue.storage.mongo import Document
from segue.storage.store import Store
from tests.catalog.library import song, tag


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path]:
    one, other = tmp_path / "one" / "Music", tmp_path / "other" / "Music"
    for folder in (one, other):
        named(song(folder / "stays.mp3", seed=len(str(folder))), f"Stays in {folder.parent.name}")
    named(song(one / "Nina" / "1.mp3", seed=1), "Feeling")
    named(song(one / "Nina" / "2.mp3", seed=2), "Other")
    return one, other


def named(path: Path, title: str) -> Path:
    return tag(path, title=title, artist="Nina", album="One", genre="Jazz")


def ingest(database: Database[Document], folder: Path) -> IngestSummary:
    rules = Rules(accepted=True)
    return run(Store(database), folder, name=folder.parent.name, quiet=True, rules=rules)


def ids(database: Database[Document]) -> dict[str, str]:
    found = database.tracks.find({"state": "present", "away_since": None})
    return {f"{track['library']}/{Path(track['path']).name}": track["_id"] for track in found}


@pytest.mark.parametrize("first", [0, 1])
def test_a_moved_folder_keeps_its_tracks(
    database: Database[Document], folders: tuple[Path, Path], first: int
) -> None:
    """Whichever library is read first."""
    one, other = folders
    for folder in folders:
        ingest(database, folder)
    before = ids(database)
    moved = [before["one/1.mp3"], before["one/2.mp3"]]
    file = (one / "Nina" / "1.mp3").stat()
    stamp = Stamp("v", file.st_size, file.st_mtime_ns)
    Features(Store(database)).write([(moved[0], b"\0" * 4, stamp)], names_version="n")
    (one / "Nina").rename(other / "Simone")
    named(other / "Simone" / "1.mp3", "Feeling good")
    summaries = [ingest(database, folders[number]) for number in (first, 1 - first)]
    of_other = summaries[1 - first]
    assert (of_other.new, of_other.moved) == (0, 2)
    after = ids(database)
    assert [after["other/1.mp3"], after["other/2.mp3"]] == moved
    assert after.keys() == {"one/stays.mp3", "other/stays.mp3", "other/1.mp3", "other/2.mp3"}
    assert database.tracks.count_documents({}) == 4
    file = (other / "Simone" / "1.mp3").stat()
    assert Features(Store(database)).stamps()[moved[0]] == Stamp("v", file.st_size, file.st_mtime_ns)
    counts = dict.fromkeys(("one", "other"), 0)
    for album in Albums(Store(database)).page(by="name", limit=9):
        counts[album["library"]] += album["tracks"]
    assert counts == {"one": 1, "other": 3}


def test_a_copy_is_another_track(database: Database[Document], folders: tuple[Path, Path]) -> None:
    one, other = folders
    for folder in folders:
        ingest(database, folder)
    before = ids(database)
    shutil.copytree(one / "Nina", other / "Nina")
    assert ingest(database, other).new == 2
    assert before.items() < ids(database).items()
    assert ingest(database, one).unchanged == 3


def test_a_library_on_a_disk_that_is_away_keeps_its_tracks(
    database: Database[Document], folders: tuple[Path, Path], tmp_path: Path
) -> None:
    """Its copy in another library is a new track."""
    one, other = folders
    for folder in folders:
        ingest(database, folder)
    before = ids(database)
    shutil.copytree(one / "Nina", other / "Nina")
    away = one.rename(tmp_path / "away")
    one.mkdir()  # a mount point without its disk is an empty folder
    assert ingest(database, other).new == 2
    one.rmdir()
    away.rename(one)
    ingest(database, one)
    assert before.items() < ids(database).items()


def test_each_track_moves_once(database: Database[Document], folders: tuple[Path, Path]) -> None:
    one, other = folders
    for folder in folders:
        ingest(database, folder)
    before = ids(database)
    for name in ("a.mp3", "b.mp3"):
        shutil.copyfile(one / "Nina" / "1.mp3", other / name)
    (one / "Nina" / "1.mp3").unlink()
    summary = ingest(database, other)
    assert (summary.new, summary.moved) == (1, 1)
    assert before["one/1.mp3"] in {own for path, own in ids(database).items() if path.startswith("other/")}
