"""The watch, end to end: from a file in a folder to a track in the index."""

from __future__ import annotations

import errno
import threading
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from pymongo.database import Database
from pymongo.errors import PyMongoError, ServerSelectionTimeoutError
from watchdog.observers.inotify_c import InotifyFD

from segue.batch_jobs import update_library, watch_library
from segue.batch_jobs.watch_library import Watch
from segue.catalog.library import Library
from segue.index.published import PublishedBundles
from segue.operations.library_status import LibraryStatus
from segue.settings import Settings
from segue.storage.mongo import Document
from segue.storage.store import Store
from segue.watching.events import FolderEvents
from tests.catalog.library import song
from tests.waiting import until

pytestmark = pytest.mark.usefixtures("shared_describers")


@pytest.fixture
def settings(settings: Settings, tmp_path: Path) -> Settings:
    library = {
        "settle_time": timedelta(seconds=0.3),
        "poll_interval": timedelta(seconds=1),
        "full_scan_interval": timedelta(days=1),
    }
    return settings.model_copy(
        update={
            "audio": settings.audio.model_copy(update={"max_duration": timedelta(seconds=4)}),
            "library": settings.library.model_copy(update=library),
            "index": settings.index.model_copy(update={"folder": str(tmp_path / "index")}),
        }
    )


@pytest.fixture
def music(tmp_path: Path) -> Path:
    root = tmp_path / "Music"
    for number in range(4):
        song(root / f"{number}.flac", seed=number)
    return root


class Watching:
    """A watch that runs in a thread."""

    def __init__(self, database: Database[Document], settings: Settings, root: Path, **options: Any) -> None:
        self.database, self.store = database, Store(database)
        self.watch = Watch(settings, self.store, [Library(name="Music", folder=root)], **options)
        self.folders = self.watch.begin()
        self.thread = threading.Thread(target=self.watch.keep)
        self.thread.start()

    def playable(self) -> int:
        return self.database.tracks.count_documents({"state": "present"})

    def indexed(self) -> int:
        return PublishedBundles(self.store).active_count()

    def end(self) -> None:
        self.watch.close()
        self.thread.join()


Start = Callable[..., Watching]


@pytest.fixture
def start(
    database: Database[Document],
    settings: Settings,
    music: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Start]:
    monkeypatch.setattr(update_library, "LOCAL", tmp_path)
    # A pass that meets a folder just as it goes away fails.
    monkeypatch.setattr(watch_library, "_RETRY_SECONDS", 0.5)
    started: list[Watching] = []

    def begin(**options: Any) -> Watching:
        started.append(Watching(database, settings, music, **options))
        until(lambda: started[-1].indexed() == 4, "the first pass")
        return started[-1]

    yield begin
    for watching in started:
        watching.end()


def test_a_new_song_is_playable_and_recommended_without_a_command(
    start: Start, music: Path, record_property: Callable[[str, object], None]
) -> None:
    watching = start()
    assert watching.folders == [{"library": "Music", "folder": str(music), "mode": "events", "reason": ""}]
    began = time.monotonic()
    song(music / "Album" / "new.flac", seed=70)
    until(lambda: watching.playable() == 5, "the song can be played")
    record_property("playable_s", round(time.monotonic() - began, 1))
    until(lambda: watching.indexed() == 5, "the song can be recommended")
    record_property("recommended_s", round(time.monotonic() - began, 1))
    status = LibraryStatus(watching.store)
    until(lambda: status.last_pass()["step"] == "done", "the pass has ended")
    assert status.watched()["folders"] == watching.folders


def test_a_watch_shows_that_it_is_alive_while_nothing_changes(
    start: Start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    life = tmp_path / "run" / "library.alive"
    monkeypatch.setattr(watch_library, "LIFE", life)
    monkeypatch.setattr(watch_library, "_LIFE_SECONDS", 0.2)
    watching = start()
    status = LibraryStatus(watching.store)
    # On a busy machine, a song may be taken for one that is still being copied: a second pass has it.
    until(lambda: status.last_pass()["step"] == "done" and "4 tracks;" in status.words(), "all songs")
    life.unlink()
    until(life.exists, "another sign of life")
    watching.end()
    life.unlink(missing_ok=True)
    time.sleep(0.5)
    assert not life.exists()


def test_a_folder_that_is_moved_in_and_a_removed_song_are_followed(
    start: Start, music: Path, tmp_path: Path
) -> None:
    watching = start()
    for number in range(3):
        song(tmp_path / "Album" / f"CD {number % 2}" / f"{number}.flac", seed=200 + number)
    (tmp_path / "Album").rename(music / "Album")
    (music / "3.flac").unlink()
    until(lambda: watching.indexed() == 6, "three more songs, one fewer")
    assert watching.playable() == 6


def test_songs_are_taken_in_while_a_file_never_rests(start: Start, music: Path, tmp_path: Path) -> None:
    watching = start()
    busy, whole = music / "busy.flac", song(tmp_path / "whole.flac", seed=300).read_bytes()
    resting = threading.Event()

    def write() -> None:
        half = 0
        while not resting.wait(0.1):
            half = (half + 4096) % (len(whole) // 2)
            busy.write_bytes(whole[: len(whole) // 4 + half])
        busy.write_bytes(whole)

    writer = threading.Thread(target=write)
    writer.start()
    try:
        for number in range(2):
            song(music / f"new {number}.flac", seed=310 + number)
        until(lambda: watching.playable() >= 6, "the songs beside the file")
    finally:
        resting.set()
        writer.join()
    until(lambda: watching.indexed() == 7, "the file when it rests")
    tracks = watching.database.tracks
    assert tracks.count_documents({}) == 7
    [track] = tracks.find({"path": str(busy)})
    assert track["duration_ms"] == 4000


def test_lyrics_and_sheets_beside_songs_are_followed(start: Start, music: Path) -> None:
    watching = start()
    lyrics = watching.database.lyrics
    (music / "0.lrc").write_text("[00:01.00]one")
    until(lambda: lyrics.find_one({"versions.texts": "one"}) is not None, "new lyrics")
    (music / "0.lrc").write_text("[00:01.00]two")
    until(lambda: lyrics.find_one({"versions.texts": "two"}) is not None, "changed lyrics")
    (music / "0.lrc").unlink()
    until(lambda: lyrics.count_documents({}) == 0, "no lyrics")
    parts = "".join(f"TRACK 0{n} AUDIO\nINDEX 01 00:00:{30 * n}\n" for n in (0, 1))
    (music / "1.cue").write_text(f'FILE "1.flac" WAVE\n{parts}')
    until(lambda: watching.playable() == 5, "two songs in place of one")


def test_a_network_disk_is_compared_at_intervals(start: Start, music: Path, tmp_path: Path) -> None:
    table = tmp_path / "mountinfo"
    table.write_text(f"20 1 0:20 / / rw - ext4 d rw\n21 1 0:21 / {music} rw - cifs //nas/music rw\n")
    watching = start(mountinfo=table, events=NoEvents)
    [folder] = watching.folders
    assert folder["mode"] == "polling"
    assert "cifs" in folder["reason"]
    song(music / "new.flac", seed=80)
    until(lambda: watching.indexed() == 5, "the song is found without a report")


def test_beyond_the_limit_of_watches_songs_are_found_at_intervals(start: Start, music: Path) -> None:
    def none_left() -> InotifyFD:
        raise OSError(errno.ENOSPC, "inotify watch limit reached")

    watching = start(events=partial(FolderEvents, open_=none_left))
    [folder] = watching.folders
    assert folder["mode"] == "polling"
    assert "max_user_watches" in folder["reason"]
    song(music / "new.flac", seed=90)
    until(lambda: watching.indexed() == 5, "the song is found without a report")


def test_a_folder_that_goes_away_and_returns_keeps_its_tracks(
    start: Start, music: Path, tmp_path: Path, database: Database[Document]
) -> None:
    watching = start()
    ids = sorted(database.tracks.distinct("_id"))
    music.rename(tmp_path / "elsewhere")
    until(
        lambda: database.tracks.count_documents({"away_since": None}) == 0, "the tracks are away", seconds=300
    )
    (tmp_path / "elsewhere").rename(music)
    until(lambda: database.tracks.count_documents({"away_since": None}) == 4, "they are back")
    assert sorted(database.tracks.distinct("_id")) == ids
    song(music / "new.flac", seed=95)
    until(lambda: watching.indexed() == 5, "the watch goes on")
    assert [folder["mode"] for folder in watching.watch.folders()] == ["events"]


@pytest.mark.parametrize("error", [ServerSelectionTimeoutError("away"), ValueError("made up")])
def test_the_watch_goes_on_after_an_error(
    error: Exception, start: Start, music: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watch_library, "_RETRY_SECONDS", 0.1)
    watching = start()
    failed: list[str] = []

    def fail(*_: object, **__: object) -> None:
        failed.append("")
        raise error

    with monkeypatch.context() as away:
        away.setattr(watch_library, "run", fail)
        if isinstance(error, PyMongoError):
            away.setattr(LibraryStatus, "watch", fail)
        song(music / "new.flac", seed=96)
        until(lambda: len(failed) >= 4, "passes fail")
    until(lambda: watching.indexed() == 5, "the song is found after the errors")


class NoEvents(FolderEvents):
    """A watch that reports nothing, as on a network disk."""

    def on_event(self, event: object) -> None:
        pass
