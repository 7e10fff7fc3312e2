"""Audiobooks and podcasts are told apart from music."""

from __future__ import annotations

from pathlib import Path, PurePosixPath

import pytest
from pymongo.database import Database

from segue.batch_jobs.ingest_catalog import run
from segue.catalog.spoken import is_spoken
from segue.catalog.tracks import Tracks
from segue.storage.mongo import Document
from segue.storage.store import Store
from tests.catalog.library import song, tag

HOUR = 3_600_000


@pytest.mark.parametrize(
    ("path", "library", "genres", "hours"),
    [
        ("Mann/Zauberberg/01.mp3", "music", ["Audiobook"], 0.5),
        ("Mann/Zauberberg/01.mp3", "music", ["hörbuch"], 0.5),
        ("Mann/Zauberberg/01.mp3", "music", ["Podcast", "News"], 0.1),
        ("Mann/Zauberberg.m4b", "music", [], 0.1),
        ("Audiobooks/Mann/01.mp3", "music", ["Fiction"], 0.1),
        ("PODCASTS/show/7.mp3", "music", [], 0.1),
        ("Mann/01.mp3", "Hörbücher", [], 0.1),
        ("unknown.mp3", "music", [], 1.2),
    ],
)
def test_spoken(path: str, library: str, genres: list[str], hours: float) -> None:
    length = round(hours * HOUR)
    assert is_spoken(PurePosixPath(path), library=library, genres=genres, duration_ms=length)


@pytest.mark.parametrize(
    ("path", "genres", "hours"),
    [
        ("Nina/One/01.mp3", ["Jazz"], 0.1),
        ("Nina/One/01.mp3", [], 0.9),
        ("Gil Scott-Heron/01.mp3", ["Soul", "Spoken Word"], 0.1),
        ("Mixes/all night.mp3", ["House"], 6.0),
        ("Mahler/3.flac", ["Classical"], 1.7),
        ("Podcasts.mp3", ["Rock"], 0.1),
        ("Interview/Best of/01.mp3", ["Pop"], 0.1),
        ("Speech/First/01.mp3", [], 0.1),
    ],
)
def test_music(path: str, genres: list[str], hours: float) -> None:
    length = round(hours * HOUR)
    assert not is_spoken(PurePosixPath(path), library="music", genres=genres, duration_ms=length)


def test_spoken_content_is_found_and_not_recommended(database: Database[Document], tmp_path: Path) -> None:
    root = tmp_path / "Music"
    tag(song(root / "song.mp3"), title="Song", artist="Nina", album="One", genre="Jazz")
    tag(song(root / "Podcasts" / "7.mp3", seed=1), title="Seven", artist="Show", album="Show", genre="News")
    run(Store(database), root, quiet=True)
    tracks = Tracks(Store(database))
    assert [track.title for track in tracks.to_index().values()] == ["Song"]
    assert sorted(track.title for track in tracks.searchable()) == ["Seven", "Song"]
    seven = next(own for own, track in tracks.named(tracks.present_ids()).items() if track.title == "Seven")
    assert tracks.recording(seven) is not None
    (root / "Podcasts" / "7.mp3").rename(root / "7.mp3")
    run(Store(database), root, quiet=True)
    assert sorted(track.title or "" for track in tracks.to_index().values()) == ["Seven", "Song"]
    assert seven in tracks.to_index()
