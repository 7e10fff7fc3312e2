"""The pass: work done once, files that wait, and files left unchanged."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from pymongo.database import Database

from segue.batch_jobs import train_embeddings, update_library
from segue.batch_jobs.update_library import libraries_of
from segue.batch_jobs.update_summary import UpdateSummary
from segue.catalog.library import Library
from segue.errors import SegueError
from segue.index.published import PublishedBundles
from segue.operations.library_status import LibraryStatus
from segue.settings import Settings
from segue.storage.mongo import Document
from segue.storage.store import Store
from tests.catalog.library import song, tag

pytestmark = pytest.mark.usefixtures("shared_describers")


@pytest.fixture
def settings(settings: Settings, tmp_path: Path) -> Settings:
    library = {"settle_time": timedelta(microseconds=1), "tracks_per_round": 4}
    return settings.model_copy(
        update={
            "audio": settings.audio.model_copy(update={"max_duration": timedelta(seconds=4)}),
            "library": settings.library.model_copy(update=library),
            "index": settings.index.model_copy(
                update={"folder": str(tmp_path / "index"), "rebuild_share": 0.5}
            ),
        }
    )


@pytest.fixture
def music(tmp_path: Path) -> Path:
    root = tmp_path / "Music"
    for number in range(6):
        song(root / f"Album {number % 2}" / f"{number}.flac", seed=number)
    return root


@pytest.fixture(autouse=True)
def own_lock(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    monkeypatch.setattr(update_library, "LOCAL", tmp_path)
    yield


def update(database: Database[Document], settings: Settings, root: Path) -> UpdateSummary:
    return update_library.run(settings, Store(database), [Library(name="Music", folder=root)], quiet=True)


def tree(root: Path) -> dict[str, Any]:
    """Everything in a folder, with contents, times and rights."""
    found = {}
    for path in [root, *root.rglob("*")]:
        status = path.lstat()
        contents = path.read_bytes() if path.is_file() else sorted(entry.name for entry in path.iterdir())
        found[str(path)] = (status.st_mtime_ns, status.st_ctime_ns, status.st_mode, status.st_ino, contents)
    return found


def test_a_pass_takes_songs_from_files_to_the_index_and_repeats_nothing(
    database: Database[Document], settings: Settings, music: Path
) -> None:
    before = tree(music)
    first = update(database, settings, music)
    assert (first.new, first.described, first.indexed, first.rejected) == (6, 6, 6, 0)
    again = update(database, settings, music)
    assert (again.new, again.changed, again.described, again.embedded) == (0, 0, 0, 0)
    assert again.index == first.index
    assert tree(music) == before
    status = LibraryStatus(Store(database)).last_pass()
    assert (status["step"], status["fault"]) == ("done", None)
    assert status["summary"] == again.sentence()


def test_a_new_song_extends_the_index_and_keeps_the_space(
    database: Database[Document], settings: Settings, music: Path
) -> None:
    first = update(database, settings, music)
    space = PublishedBundles(Store(database)).active_space()
    song(music / "new.flac", seed=77)
    second = update(database, settings, music)
    assert (second.new, second.described, second.embedded, second.indexed) == (1, 1, 1, 7)
    assert second.extended
    assert second.index != first.index
    assert PublishedBundles(Store(database)).active_space() == space
    bundle = PublishedBundles(Store(database)).load(str(second.index), folder=settings.index.folder)
    new = database.tracks.find_one({"path": str(music / "new.flac")})
    assert new is not None
    [row] = bundle.rows([new["_id"]]).tolist()
    assert bundle.neighbours.query(bundle.vectors[[row]], 1)[0].tolist() == [[row]]
    assert database.moods.count_documents({}) == 7


def test_many_new_songs_fit_the_space_again(
    database: Database[Document], settings: Settings, music: Path
) -> None:
    update(database, settings, music)
    former = PublishedBundles(Store(database)).active_space()
    for number in range(8):
        song(music / f"more {number}.flac", seed=100 + number)
    summary = update(database, settings, music)
    assert summary.refitted
    assert PublishedBundles(Store(database)).active_space() != former
    assert summary.indexed == 14


def test_a_removed_song_leaves_the_index(
    database: Database[Document], settings: Settings, music: Path
) -> None:
    update(database, settings, music)
    (music / "Album 0" / "0.flac").unlink()
    summary = update(database, settings, music)
    assert (summary.vanished, summary.indexed, summary.described) == (1, 5, 0)


def test_an_interrupted_pass_is_completed_by_the_next(
    database: Database[Document],
    settings: Settings,
    music: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def crash(*_: object, **__: object) -> None:
        raise SegueError("the disk is full")

    with monkeypatch.context() as patch:
        patch.setattr(train_embeddings, "run", crash)
        with pytest.raises(SegueError, match="disk is full"):
            update(database, settings, music)
    assert LibraryStatus(Store(database)).last_pass()["fault"] == "the disk is full"
    assert database.features.count_documents({}) == 4  # the first round
    summary = update(database, settings, music)
    assert (summary.described, summary.embedded, summary.indexed) == (2, 6, 6)


def test_a_file_that_was_just_changed_waits_and_its_track_stays_unchanged(
    database: Database[Document], settings: Settings, music: Path
) -> None:
    update(database, settings, music)
    library = settings.library.model_copy(update={"settle_time": timedelta(hours=1)})
    patient = settings.model_copy(update={"library": library})
    file = music / "Album 1" / "1.flac"
    tag(file, title="Other", artist="A", album="B", genre="C")
    song(music / "new.flac", seed=50)
    waiting = update(database, patient, music)
    assert (waiting.waiting, waiting.new, waiting.changed, waiting.vanished) == (2, 0, 0, 0)
    assert waiting.indexed == 6
    done = update(database, settings, music)
    assert (done.waiting, done.new, done.changed) == (0, 1, 1)


def test_a_half_copied_song_becomes_one_whole_track(
    database: Database[Document], settings: Settings, music: Path, tmp_path: Path
) -> None:
    update(database, settings, music)
    whole = song(tmp_path / "whole.flac", seconds=12, seed=9).read_bytes()
    copy = music / "copy.flac"
    copy.write_bytes(whole[: len(whole) // 3])
    time.sleep(0.01)
    update(database, settings, music)
    with copy.open("ab") as file:
        file.write(whole[len(whole) // 3 :])
    time.sleep(0.01)
    summary = update(database, settings, music)
    [track] = database.tracks.find({"path": str(copy)})
    assert track["state"] == "present"
    assert track["duration_ms"] == pytest.approx(12_000, abs=100)
    assert (summary.described, summary.indexed) == (1, 7)


def test_a_folder_that_is_away_is_reported_and_the_others_are_read(
    database: Database[Document], settings: Settings, music: Path, tmp_path: Path
) -> None:
    libraries = [Library(name="gone", folder=tmp_path / "gone"), Library(name="Music", folder=music)]
    summary = update_library.run(settings, Store(database), libraries, quiet=True)
    assert summary.indexed == 6
    [fault] = summary.faults
    assert fault.startswith("gone: ")
    assert LibraryStatus(Store(database)).last_pass()["fault"] == fault


def test_two_passes_never_run_at_once(database: Database[Document], settings: Settings, music: Path) -> None:
    with update_library.alone(), pytest.raises(SegueError, match="another library update"):
        update(database, settings, music)
    shutil.rmtree(music / "Album 0")
    assert update(database, settings, music).indexed == 3


def test_the_folders_come_from_the_command_or_the_settings(settings: Settings, tmp_path: Path) -> None:
    with pytest.raises(SegueError, match=r"library\.folders"):
        libraries_of(settings, [])
    named = settings.model_copy(
        update={"library": settings.library.model_copy(update={"folders": (("ours", (str(tmp_path),)),)})}
    )
    assert libraries_of(named, []) == [Library(name="ours", folder=tmp_path)]
    assert libraries_of(named, [tmp_path]) == [Library(name="ours", folder=tmp_path)]
    assert libraries_of(named, [tmp_path / "x"]) == [Library(name="x", folder=tmp_path / "x")]


def test_folders_that_overlap_or_share_a_name_are_refused(settings: Settings, tmp_path: Path) -> None:
    for folders, message in (
        ((("a", ("m/x",)), ("b", ("m/x/y",))), "overlap"),
        ((("a", ("m", "m")),), "overlap"),
        ((("a", ("m", "n/more", "o/more")),), "the same name"),
    ):
        given = tuple((name, tuple(str(tmp_path / one) for one in some)) for name, some in folders)
        library = settings.library.model_copy(update={"folders": given})
        with pytest.raises(SegueError, match=message):
            libraries_of(settings.model_copy(update={"library": library}), [])


def test_a_library_of_several_folders(
    database: Database[Document], settings: Settings, music: Path, tmp_path: Path
) -> None:
    more = tmp_path / "More"
    song(more / "Album 0" / "0.flac", seed=20)  # the same path within its folder as another song
    library = Library(name="Music", folder=music, further=(more,))

    def passed() -> UpdateSummary:
        return update_library.run(settings, Store(database), [library], quiet=True)

    first = passed()
    assert (first.tracks, first.new, first.indexed, first.rejected) == (7, 7, 7, 0)
    assert database.tracks.distinct("library") == ["Music"]
    again = passed()
    assert (again.new, again.changed, again.vanished) == (0, 0, 0)
    moved = database.tracks.find_one({"path": str(more / "Album 0" / "0.flac")}) or {}
    (more / "Album 0" / "0.flac").rename(music / "moved.flac")
    song(more / "1.flac", seed=21)
    after = passed()
    assert (after.new, after.vanished, after.tracks) == (1, 0, 8)
    assert (database.tracks.find_one({"_id": moved["_id"]}) or {})["path"] == str(music / "moved.flac")


def test_a_folder_of_a_library_that_is_away_takes_its_tracks_with_it(
    database: Database[Document], settings: Settings, music: Path, tmp_path: Path
) -> None:
    more = tmp_path / "More"
    song(more / "20.flac", seed=20)
    library = Library(name="Music", folder=music, further=(more,))
    for number in range(3):
        if number:
            more.rename(tmp_path / "hidden") if number == 1 else (tmp_path / "hidden").rename(more)
        summary = update_library.run(settings, Store(database), [library], quiet=True)
        assert (summary.vanished, summary.away, summary.faults) == (0, int(number == 1), [])
        assert summary.indexed == (6 if number == 1 else 7)


def test_a_name_that_is_not_utf8_is_described(
    database: Database[Document], settings: Settings, music: Path
) -> None:
    song(music / "accent.flac", seed=50).rename(music / os.fsdecode(b"caf\xe9.flac"))
    summary = update(database, settings, music)
    assert (summary.described, summary.indexed) == (7, 7)


def test_tracks_of_a_release_without_fingerprints_get_them(
    database: Database[Document], settings: Settings, music: Path
) -> None:
    first = update(database, settings, music)
    assert (first.fingerprinted, first.unfingerprinted) == (0, 0)
    shown = {"sound": 0}  # no two songs share one
    before = {entry["_id"]: entry for entry in database.features.find({}, shown)}
    database.features.update_many({}, {"$unset": {"fingerprint": "", "marks": "", "sound": ""}})
    gone = min(music.rglob("*.flac"))
    gone.unlink()  # a file that cannot be read keeps no other from its fingerprint
    calls = iter([False])
    second = update_library.run(
        settings,
        Store(database),
        [Library(name="Music", folder=music)],
        quiet=True,
        measuring=lambda: next(calls, True),
    )
    assert second.described == 0 and second.fingerprinted == 5
    after = {entry["_id"]: entry for entry in database.features.find({"marks": {"$ne": None}}, shown)}
    assert len(after) == 5
    assert all(before[own] == entry for own, entry in after.items())
    third = update(database, settings, music)
    assert (third.fingerprinted, third.unfingerprinted) == (0, 0)
