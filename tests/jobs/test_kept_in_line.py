"""Ingest follows the pictures beside songs, and does not read again what cannot be read."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pymongo.database import Database

from segue.batch_jobs import ingest_catalog, read_library
from segue.batch_jobs.ingest_catalog import IngestSummary
from segue.batch_jobs.read_library import Rules
from segue.catalog.read import read_tracks
from segue.storage.mongo import Document
from segue.storage.store import Store
from tests.catalog.library import picture, song


def ingest(database: Database[Document], root: Path, **rules: Any) -> IngestSummary:
    return ingest_catalog.run(Store(database), root, quiet=True, rules=Rules(**rules))


def cover(database: Database[Document], path: Path) -> str | None:
    track = database.tracks.find_one({"path": str(path)})
    assert track is not None
    found: str | None = track["cover_id"]
    return found


def test_a_picture_that_comes_changes_and_goes(database: Database[Document], tmp_path: Path) -> None:
    root = tmp_path / "Music"
    path = song(root / "Album" / "1.flac")
    song(root / "Other" / "2.flac", seed=1)
    ingest(database, root)
    assert cover(database, path) is None
    (root / "Album" / "cover.jpg").write_bytes(picture("red"))
    assert (ingest(database, root).changed, ingest(database, root).changed) == (1, 0)
    first = cover(database, path)
    assert first is not None
    (root / "Album" / "cover.jpg").write_bytes(picture("blue", size=(300, 300)))
    assert ingest(database, root).changed == 1
    assert cover(database, path) not in {first, None}
    (root / "Album" / "cover.jpg").unlink()
    assert ingest(database, root).changed == 1
    assert cover(database, path) is None


def test_a_picture_above_the_folders_of_discs(database: Database[Document], tmp_path: Path) -> None:
    root = tmp_path / "Music"
    path = song(root / "Album" / "CD 1" / "1.flac")
    ingest(database, root)
    (root / "Album" / "folder.png").write_bytes(picture("red", format="PNG"))
    assert ingest(database, root).changed == 1
    assert cover(database, path) is not None
    assert ingest(database, root).changed == 0


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """The names of the files that have been read, in order."""
    names: list[str] = []
    reader = read_tracks

    def noted(files: Any, **options: Any) -> Any:
        names.extend(file.relative.name for file in files)
        return reader(files, **options)

    monkeypatch.setattr(read_library, "read_tracks", noted)
    yield names


def test_a_file_that_is_no_audio_is_read_again_when_it_changes(
    database: Database[Document], tmp_path: Path, read: list[str]
) -> None:
    root = tmp_path / "Music"
    song(root / "1.flac")
    (root / "notes.mp3").write_bytes(b"not audio" * 100)
    (root / "empty.mp3").touch()
    first = ingest(database, root)
    assert (sorted(read), first.rejected) == (["1.flac", "empty.mp3", "notes.mp3"], 2)
    documents = list(database.rejected_tracks.find().sort("_id"))
    read.clear()
    second = ingest(database, root)
    assert (read, second.rejected, second.reasons) == ([], 2, first.reasons)
    assert list(database.rejected_tracks.find().sort("_id")) == documents
    song(root / "notes.mp3", seed=3)
    third = ingest(database, root)
    assert (read, third.rejected, third.new) == (["notes.mp3"], 1, 1)
    read.clear()
    ingest(database, root, everything=True)
    assert sorted(read) == ["1.flac", "empty.mp3", "notes.mp3"]
