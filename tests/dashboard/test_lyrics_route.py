"""The route of lyrics: lines with times, lines without, none, and no such track."""

from __future__ import annotations

import pytest
from pymongo.database import Database

from segue.catalog.lyrics import lyrics_in
from segue.catalog.track_lyrics import TrackLyrics
from segue.storage.mongo import Document
from segue.storage.store import Store
from tests.dashboard.conftest import Enter


@pytest.fixture
def stored(library: Database[Document]) -> TrackLyrics:
    lyrics = TrackLyrics(Store(library))
    versions = [lyrics_in("[00:01.50]one\n[00:03.00]", language="eng"), lyrics_in("one\n\ntwo")]
    lyrics.replace({"t1": [one for one in versions if one]})
    return lyrics


def test_lines_with_and_without_times(stored: TrackLyrics, enter: Enter) -> None:
    assert enter().get("/api/tracks/t1/lyrics").json() == {
        "versions": [
            {
                "language": "eng",
                "synced": True,
                "lines": [{"text": "one", "start_ms": 1500}, {"text": "", "start_ms": 3000}],
            },
            {
                "language": "und",
                "synced": False,
                "lines": [{"text": "one"}, {"text": ""}, {"text": "two"}],
            },
        ]
    }


def test_no_lyrics_and_no_track(stored: TrackLyrics, library: Database[Document], enter: Enter) -> None:
    client = enter()
    assert client.get("/api/tracks/t2/lyrics").json() == {"versions": []}
    assert client.get("/api/tracks/unknown/lyrics").status_code == 404
    library.tracks.update_one({"_id": "t1"}, {"$set": {"state": "vanished"}})
    assert client.get("/api/tracks/t1/lyrics").status_code == 404


def test_a_damaged_version_is_left_out(
    stored: TrackLyrics, library: Database[Document], enter: Enter
) -> None:
    for value in ([1500], [1500, "soon"], [1500, -1], "soon", None):
        library.lyrics.update_one({"_id": "t1"}, {"$set": {"versions.0.starts_ms": value}})
        versions = enter().get("/api/tracks/t1/lyrics").json()["versions"]
        assert [one["language"] for one in versions][-1] == "und"
        assert all(len(one["lines"]) in (2, 3) for one in versions)


def test_lyrics_that_are_gone_are_removed(stored: TrackLyrics, library: Database[Document]) -> None:
    stored.replace({"t1": [], "t2": []})
    assert stored.of("t1") == () and library.lyrics.count_documents({}) == 0
