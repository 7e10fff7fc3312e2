"""Lyrics beside recordings and in their tags are kept in line by ingest and by the watch's passes."""

from __future__ import annotations

import os
from pathlib import Path

import mutagen
import pytest
from pymongo.database import Database

from segue.batch_jobs import forget_tracks, ingest_catalog
from segue.batch_jobs.ingest_catalog import IngestSummary
from segue.catalog.track_lyrics import TrackLyrics
from segue.storage.mongo import Document
from segue.storage.store import Store
from tests.catalog.library import song


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "Music"
    for number in (1, 2, 3):
        song(folder / "Album" / f"{number}.flac", seed=number)
    audio = mutagen.File(folder / "Album" / "2.flac")
    audio["LYRICS"] = "of the tags"
    audio.save()
    (folder / "Album" / "1.lrc").write_bytes(
        b"\xef\xbb\xbf[00:01.50]a\r\n[00:10.00][01:10.00]la\r\n[00:03.125]b"
    )
    return folder


def ingest(database: Database[Document], root: Path) -> IngestSummary:
    return ingest_catalog.run(Store(database), root, quiet=True)


def lyrics(database: Database[Document], root: Path, name: str) -> list[list[tuple[int | None, str]]]:
    (track,) = database.tracks.find({"path": str(root / "Album" / name)})
    found = TrackLyrics(Store(database)).of(track["_id"])
    assert found is not None
    return [[(line.start_ms, line.text) for line in one.lines] for one in found]


def test_lyrics_are_stored_apart_from_the_tracks(database: Database[Document], root: Path) -> None:
    assert ingest(database, root).new == 3
    assert lyrics(database, root, "1.flac") == [[(1500, "a"), (3125, "b"), (10_000, "la"), (70_000, "la")]]
    assert lyrics(database, root, "2.flac") == [[(None, "of the tags")]]
    assert lyrics(database, root, "3.flac") == []
    assert not any("of the tags" in str(track) for track in database.tracks.find())
    assert database.lyrics.count_documents({}) == 2
    again = ingest(database, root)
    assert (again.changed, again.unchanged) == (0, 3)


def test_a_file_with_lyrics_that_comes_changes_and_goes(database: Database[Document], root: Path) -> None:
    ingest(database, root)
    beside = root / "Album" / "2.lrc"
    beside.write_text("[00:02.00]beside")
    # A file that was copied with an old time is found, too.
    os.utime(beside, (1e9, 1e9))
    assert ingest(database, root).changed == 1
    assert lyrics(database, root, "2.flac") == [[(2000, "beside")], [(None, "of the tags")]]
    beside.write_text("[00:03.00]another")
    assert ingest(database, root).changed == 1
    assert lyrics(database, root, "2.flac")[0] == [(3000, "another")]
    assert ingest(database, root).changed == 0
    beside.unlink()
    assert ingest(database, root).changed == 1
    assert lyrics(database, root, "2.flac") == [[(None, "of the tags")]]
    (root / "Album" / "1.lrc").unlink()
    assert ingest(database, root).changed == 1
    assert database.lyrics.count_documents({}) == 1


def test_a_renamed_song_keeps_its_lyrics(database: Database[Document], root: Path) -> None:
    ingest(database, root)
    (root / "Album").rename(root / "Other")
    summary = ingest(database, root)
    assert (summary.moved, summary.changed, summary.new) == (3, 0, 0)
    (root / "Other").rename(root / "Album")
    for ending in ("flac", "lrc"):
        (root / "Album" / f"1.{ending}").rename(root / "Album" / f"One.{ending}")
    assert ingest(database, root).new == 0
    assert lyrics(database, root, "One.flac")[0][0] == (1500, "a")
    # Its lyrics stay behind.
    (root / "Album" / "One.flac").rename(root / "Album" / "1.flac")
    ingest(database, root)
    assert lyrics(database, root, "1.flac") == []


def test_a_file_that_is_no_lyrics_stays_on_the_list(database: Database[Document], root: Path) -> None:
    beside = root / "Album" / "3.lrc"
    beside.write_bytes(b"\0\1\2\3" * 100)
    for _ in range(3):
        summary = ingest(database, root)
        assert (summary.tracks, summary.reasons) == (3, {"invalid-lyrics": 1})
    (entry,) = database.rejected_tracks.find()
    assert entry["path"] == str(beside)
    beside.write_text("la")
    assert ingest(database, root).rejected == 0
    assert lyrics(database, root, "3.flac") == [[(None, "la")]]


def test_forgotten_tracks_have_no_lyrics(database: Database[Document], root: Path) -> None:
    ingest(database, root)
    (root / "Album" / "2.flac").unlink()
    ingest(database, root)
    assert database.lyrics.count_documents({}) == 2
    (track,) = database.tracks.find({"state": "vanished"})
    assert forget_tracks.run(Store(database), before=track["missing_since"].replace(year=9000)) == 1
    assert [one["_id"] for one in database.lyrics.find()] != [track["_id"]]
    assert database.lyrics.count_documents({}) == 1


def test_the_songs_of_a_sheet_have_no_lyrics_of_the_whole(database: Database[Document], root: Path) -> None:
    parts = "".join(f"TRACK 0{n} AUDIO\nINDEX 01 00:00:{10 * n}\n" for n in (0, 3))
    (root / "Album" / "2.cue").write_text(f'FILE "2.flac" WAVE\n{parts}')
    ingest(database, root)
    ids = [track["_id"] for track in database.tracks.find({"path": str(root / "Album" / "2.flac")})]
    assert len(ids) == 2
    assert database.lyrics.count_documents({"_id": {"$in": ids}}) == 0
