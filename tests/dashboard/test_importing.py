"""Files that listeners import: one listener does not keep others from it."""

from __future__ import annotations

import threading
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pytest

from segue.dashboard import visit
from segue.dashboard.importing import BUSY, Importing
from segue.dashboard.services import Services
from segue.dashboard.views import playlists
from segue.errors import SegueError
from segue.imports.importing import Summary
from segue.playlists.entries import NotPlaylist
from segue.settings import Settings
from tests.waiting import PATIENCE


class Held:
    """Processes whose previews end when they may."""

    def __init__(self) -> None:
        self.began, self.may_end = threading.Semaphore(0), threading.Event()

    def preview(self, user_id: str, folder: Path) -> Future[Summary]:
        self.began.release()
        self.may_end.wait(PATIENCE)
        done: Future[Summary] = Future()
        done.set_result(Summary())
        return done


def test_a_listener_has_one_preview_at_a_time(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """With several pages, one listener filled the line of all."""
    importing, held = Importing(settings), Held()
    monkeypatch.setattr(importing, "_processes", held)
    with ThreadPoolExecutor(2) as threads:
        try:
            first = threads.submit(importing.preview, "ada", ())
            assert held.began.acquire(timeout=PATIENCE)
            with pytest.raises(SegueError) as refused:
                importing.preview("ada", ())
            assert str(refused.value) == BUSY
            other = threads.submit(importing.preview, "ben", ())
            assert held.began.acquire(timeout=PATIENCE)
        finally:
            held.may_end.set()
        assert first.result(PATIENCE) and other.result(PATIENCE)
    assert importing.preview("ada", ())


def test_few_playlists_are_read_at_a_time(services: Services, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each has thousands of songs that are looked for."""
    monkeypatch.setattr(visit, "services", lambda: services)
    monkeypatch.setattr(playlists, "_PATIENCE", 0.01)
    reading, song = services.reading, b"#EXTM3U\na.mp3\n"
    refused = pytest.raises(NotPlaylist, match="Other files")
    with reading.place("ben", patience=0), reading.place("cleo", patience=0), refused:
        playlists._read(song, "ada")
    _, matched = playlists._read(song, "ada")
    assert [entry.title for entry in matched.unmatched] == ["a"]
    with pytest.raises(NotPlaylist):
        playlists._read(b"", "ada")
    with reading.place("ada", patience=0), reading.place("ben", patience=0):
        pass  # all places are free again


def test_a_visitor_whose_playlist_is_read_leaves_a_place_to_others(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two pages of one visitor kept both places, for minutes."""
    monkeypatch.setattr(visit, "services", lambda: services)
    song = b"#EXTM3U\na.mp3\n"
    with services.reading.place("mallory", patience=0):
        with pytest.raises(NotPlaylist, match="Your other files"):
            playlists._read(song, "mallory")
        assert playlists._read(song, "ada")
    assert playlists._read(song, "mallory")
