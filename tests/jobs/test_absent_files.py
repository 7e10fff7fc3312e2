"""Nothing is thrown away in haste: a disk that is away is not a removal, and features outlive their file."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from pymongo.database import Database

from segue.batch_jobs import forget_tracks
from segue.batch_jobs.extract_features import find_work
from segue.batch_jobs.ingest_catalog import IngestSummary, run
from segue.batch_jobs.read_library import Rules
from segue.catalog import absence
from segue.catalog.features import Features
from segue.catalog.stamp import Stamp
from segue.catalog.tracks import Tracks
from segue.errors import SegueError
from segue.playlists.playlists import Playlists
from segue.settings import Settings
from segue.storage.mongo import Document
from segue.storage.store import Store
from segue.taste.opinions import Opinions
from tests.catalog.library import song, tag

AS_USUAL, ACCEPTED = Rules(), Rules(accepted=True)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Three songs in `here` and three in `NAS`."""
    folder = tmp_path / "Music"
    for number in range(3):
        song(folder / "here" / f"{number}.mp3", seconds=1.0, seed=number)
        song(folder / "NAS" / f"{number}.mp3", seconds=1.0, seed=10 + number)
    return folder


def ingest(database: Database[Document], root: Path, rules: Rules = AS_USUAL) -> IngestSummary:
    return run(Store(database), root, quiet=True, rules=rules)


def ids_of(database: Database[Document], folder: Path) -> list[str]:
    found = database.tracks.find({"path": {"$regex": f"^{folder}/"}}).sort("path")
    return [track["_id"] for track in found]


def states(database: Database[Document], ids: Iterable[str]) -> set[tuple[str, bool]]:
    found = database.tracks.find({"_id": {"$in": list(ids)}})
    return {(track["state"], "away_since" in track) for track in found}


@contextmanager
def unreadable(path: Path, monkeypatch: pytest.MonkeyPatch, error: int) -> Iterator[None]:
    """Make the system call that lists a folder fail, as a stale network mount does."""
    real = os.scandir

    def scandir(folder: str | Path) -> object:
        if Path(folder) == path:
            raise OSError(error, os.strerror(error))
        return real(folder)

    with monkeypatch.context() as patched:
        patched.setattr(os, "scandir", scandir)
        yield


@pytest.mark.parametrize("away", ["missing", "empty", "EIO", "ESTALE", "EACCES"])
def test_a_library_that_is_away_keeps_everything(
    database: Database[Document], root: Path, monkeypatch: pytest.MonkeyPatch, away: str
) -> None:
    ingest(database, root)
    store, ids = Store(database), ids_of(database, root)
    playlist = Playlists(store).create("ada", "Mine", tracks=ids)
    kept = list(database.tracks.find({}, {"away_since": 0}).sort("_id"))
    elsewhere = root.with_name("elsewhere")
    for _ in range(2):
        if away in ("missing", "empty"):
            root.rename(elsewhere)
            if away == "empty":
                root.mkdir()
            with pytest.raises(SegueError, match="6 tracks of 'Music' stay"):
                ingest(database, root)
            if away == "empty":
                root.rmdir()
            elsewhere.rename(root)
        else:
            with (
                unreadable(root, monkeypatch, getattr(errno, away)),
                pytest.raises(SegueError, match="6 tracks of 'Music' stay"),
            ):
                ingest(database, root)
    assert states(database, ids) == {("present", True)}
    assert Tracks(store).summaries(ids) == {} and Tracks(store).recording(ids[0]) is None
    assert Tracks(store).present_ids() == set()
    stored = Playlists(store).read("ada", playlist.playlist_id)
    assert stored is not None and list(stored.tracks) == ids
    summary = ingest(database, root)
    assert (summary.unchanged, summary.new, summary.tracks) == (6, 0, 6)
    assert list(database.tracks.find().sort("_id")) == kept


@pytest.mark.parametrize("away", ["empty", "EIO", "ESTALE"])
def test_a_mount_below_the_library_that_is_away(
    database: Database[Document],
    settings: Settings,
    root: Path,
    monkeypatch: pytest.MonkeyPatch,
    away: str,
) -> None:
    ingest(database, root)
    store, nas = Store(database), ids_of(database, root / "NAS")
    stamps = {own: Stamp("old", 1, 1) for own in ids_of(database, root)}
    Features(store).write(((own, b"\0" * 4, stamp) for own, stamp in stamps.items()), names_version="n")
    if away == "empty":
        for file in (root / "NAS").iterdir():
            file.rename(root.with_name(f"NAS-{file.name}"))
        summary = ingest(database, root)
    else:
        with unreadable(root / "NAS", monkeypatch, getattr(errno, away)):
            summary = ingest(database, root)
    assert (summary.tracks, summary.away, summary.vanished) == (3, 3, 0)
    assert states(database, nas) == {("present", True)}
    assert find_work(store, settings).gone == []
    for file in root.parent.glob("NAS-*"):
        file.rename(root / "NAS" / file.name[4:])
    again = ingest(database, root)
    assert (again.tracks, again.new, again.away) == (6, 0, 0)
    assert ids_of(database, root / "NAS") == nas
    assert {file.track_id for file in find_work(store, settings).missing} == set(stamps)  # version "old"


def test_a_file_system_that_is_not_mounted(database: Database[Document], root: Path) -> None:
    """The mount point went with the mount, as with automounters: the files were on another device."""
    ingest(database, root)
    database.tracks.update_many({"path": {"$regex": "/NAS/"}}, {"$set": {"device": 99}})
    shutil.rmtree(root / "NAS")
    assert (ingest(database, root).away, ingest(database, root, ACCEPTED).vanished) == (3, 3)


def test_a_large_loss_is_a_question(database: Database[Document], root: Path) -> None:
    ingest(database, root)
    nas = ids_of(database, root / "NAS")
    shutil.rmtree(root / "NAS")
    song(root / "here" / "new.mp3", seed=77)
    summary = ingest(database, root)
    assert (summary.in_question, summary.vanished, summary.away, summary.new) == (3, 0, 0, 1)
    assert states(database, nas) == {("present", True)}
    assert Tracks(Store(database)).summaries(nas) == {}
    assert ingest(database, root).in_question == 3  # asked until it is answered
    accepted = ingest(database, root, ACCEPTED)
    assert (accepted.in_question, accepted.vanished, accepted.tracks) == (0, 3, 4)
    assert states(database, nas) == {("vanished", False)}
    assert all("missing_since" in track for track in database.tracks.find({"_id": {"$in": nas}}))


def test_a_small_loss_is_none(database: Database[Document], root: Path) -> None:
    ingest(database, root)
    (root / "here" / "0.mp3").unlink()
    summary = ingest(database, root)
    assert (summary.in_question, summary.vanished, summary.tracks) == (0, 1, 5)
    assert absence.FEW > 1


def test_features_outlive_their_file_for_a_time(
    database: Database[Document], settings: Settings, root: Path
) -> None:
    ingest(database, root)
    store, (first, *_) = Store(database), ids_of(database, root / "here")
    Features(store).write([(first, b"\0" * 4, Stamp("v", 1, 1))], names_version="n")
    (root / "here" / "0.mp3").rename(root.with_name("kept.mp3"))
    ingest(database, root)
    track = database.tracks.find_one({"_id": first})
    assert track is not None
    since = track["missing_since"]
    assert datetime.now(UTC) - since < timedelta(minutes=5)
    ingest(database, root)
    assert (database.tracks.find_one({"_id": first}) or {})["missing_since"] == since
    assert find_work(store, settings).gone == []
    late = datetime.now(UTC) - settings.library.keep_missing - timedelta(hours=1)
    database.tracks.update_one({"_id": first}, {"$set": {"missing_since": late}})
    assert find_work(store, settings).gone == [first]
    root.with_name("kept.mp3").rename(root / "here" / "back.mp3")
    assert ingest(database, root).new == 0
    back = database.tracks.find_one({"_id": first})
    assert back is not None and back["state"] == "present" and "missing_since" not in back
    assert find_work(store, settings).gone == []


def test_retagging_keeps_the_features(database: Database[Document], root: Path, settings: Settings) -> None:
    ingest(database, root)
    store, path = Store(database), root / "here" / "0.mp3"
    own = ids_of(database, root / "here")[0]
    status = path.stat()
    Features(store).write(
        [(own, b"\0" * 4, Stamp("v", status.st_size, status.st_mtime_ns))], names_version="n"
    )
    tag(path, title="New", artist="Nina", album="One", genre="Jazz")
    ingest(database, root)
    assert Features(store).stamps()[own] == Stamp("v", path.stat().st_size, path.stat().st_mtime_ns)
    before = Features(store).stamps()[own]
    song(path, seconds=1.0, seed=5)  # another sound: they are outdated
    ingest(database, root)
    assert Features(store).stamps()[own] == before != Stamp("v", path.stat().st_size, path.stat().st_mtime_ns)


def test_long_missing_tracks_are_forgotten_and_others_are_not(
    database: Database[Document], root: Path, settings: Settings
) -> None:
    ingest(database, root)
    old, young, _ = ids_of(database, root / "here")
    for name in ("0.mp3", "1.mp3"):
        (root / "here" / name).unlink()
    ingest(database, root, ACCEPTED)
    long_ago = datetime.now(UTC) - timedelta(days=100)
    database.tracks.update_one({"_id": old}, {"$set": {"missing_since": long_ago}})
    Features(Store(database)).write([(old, b"\0" * 4, Stamp("v", 1, 1))], names_version="n")
    Opinions(Store(database)).keep([("ada", old, "like"), ("ben", old, "dislike"), ("ben", young, "like")])
    for tracks in ([old, young, old], [young]):
        Playlists(Store(database)).create("ada", "Evening", tracks=tracks)
    asked = forget_tracks.question(Store(database), [old], before=long_ago)
    assert (
        asked == f"Remove 1 track missing since {long_ago:%Y-%m-%d}, with 1 like and 1 playlist of listeners?"
    )
    assert forget_tracks.run(Store(database), before=datetime.now(UTC) - timedelta(days=90)) == 1
    assert set(database.tracks.distinct("_id")) & {old, young} == {young}
    assert Features(Store(database)).stamps() == {}
