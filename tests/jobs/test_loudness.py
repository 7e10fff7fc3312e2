"""Loudness in the catalogue: measured once a file, for tracks and albums, after new songs are indexed."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from mutagen.flac import FLAC
from pymongo.database import Database

from segue.audio.describe_here import Describers
from segue.audio.loudness import measure
from segue.batch_jobs import ingest_catalog, update_library
from segue.batch_jobs.measure_loudness import measure_on_this_machine
from segue.catalog.library import Library
from segue.catalog.measured_tracks import MeasuredTracks
from segue.catalog.track import ReplayGain
from segue.settings import Settings
from segue.storage.mongo import Document
from segue.storage.store import Store
from tests.audio.sounds import RATE, melody


@pytest.fixture
def music(tmp_path: Path) -> Path:
    """An album of three songs, of which the last is much quieter, and a single song of another artist."""
    root = tmp_path / "Music"
    for number, loud in enumerate((1.0, 0.5, 0.01)):
        song(
            root / "Album" / f"{number}.flac",
            loud=loud,
            seed=number,
            artist="Nina",
            album="One",
            track=number + 1,
        )
    song(root / "single.flac", loud=1.0, seed=7, artist="Bob")
    return root


def song(path: Path, *, loud: float, seed: int, **tags: Any) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, loud * melody(seed=seed), RATE)
    audio = FLAC(path)
    audio.update({"tracknumber" if name == "track" else name: str(text) for name, text in tags.items()})
    audio.save()
    return path


def ingest(database: Database[Document], root: Path) -> None:
    ingest_catalog.run(Store(database), root, quiet=True)


def measured(database: Database[Document], describers: Describers) -> int:
    counts = list(measure_on_this_machine(Store(database), describers))
    return counts[-1][0] if counts else 0


def by_name(database: Database[Document]) -> dict[str, Any]:
    return {Path(track["path"]).name: track for track in database.tracks.find()}


def test_tracks_and_albums_have_their_loudness(
    database: Database[Document], describers: Describers, music: Path
) -> None:
    ingest(database, music)
    assert measured(database, describers) == 4
    tracks = by_name(database)
    for name, track in tracks.items():
        expected = measure(Path(track["path"]))
        assert (track["loudness"]["integrated"], track["loudness"]["peak"]) == (
            expected.integrated,
            expected.peak,
        ), name
    album = database.albums.find_one({"name": "One"})
    assert album is not None
    whole = np.concatenate([soundfile.read(music / "Album" / f"{number}.flac")[0] for number in range(3)])
    soundfile.write(music.parent / "whole.wav", whole, RATE)
    assert album["loudness"] == pytest.approx(measure(music.parent / "whole.wav").integrated, abs=0.3)
    assert album["peak"] == max(tracks[f"{n}.flac"]["loudness"]["peak"] for n in range(3))
    gains = MeasuredTracks(Store(database)).gains(track["_id"] for track in tracks.values())
    quiet = gains[tracks["2.flac"]["_id"]]
    assert quiet.track_gain == pytest.approx(-18 - tracks["2.flac"]["loudness"]["integrated"])
    assert quiet.album_gain == pytest.approx(-18 - album["loudness"], abs=0.01)
    alone = gains[tracks["single.flac"]["_id"]]
    assert alone.track_gain is not None and (alone.album_gain, alone.album_peak) == (None, None)


def test_only_changed_sound_is_measured_again(
    database: Database[Document], describers: Describers, music: Path
) -> None:
    ingest(database, music)
    measured(database, describers)
    before = by_name(database)
    assert measured(database, describers) == 0
    audio = FLAC(music / "Album" / "0.flac")
    audio["title"] = "Retagged"
    audio.save()
    (music / "Album" / "1.flac").rename(music / "Album" / "moved.flac")
    song(music / "Album" / "2.flac", loud=1.0, seed=3, artist="Nina", album="One", track=3)
    ingest(database, music)
    # Until it is measured, the loudness of the former file is not that of the album.
    assert (database.albums.find_one({"name": "One"}) or {})["loudness"] is None
    assert measured(database, describers) == 1
    after = by_name(database)
    for name, now in (("0.flac", "0.flac"), ("1.flac", "moved.flac")):
        assert after[now]["loudness"]["integrated"] == before[name]["loudness"]["integrated"]
    assert after["2.flac"]["loudness"]["integrated"] > before["2.flac"]["loudness"]["integrated"] + 20
    assert (database.albums.find_one({"name": "One"}) or {})["loudness"] is not None


def test_an_interrupted_measurement_continues(
    database: Database[Document], describers: Describers, music: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ingest(database, music)
    monkeypatch.setattr("segue.batch_jobs.measure_loudness._WRITE_EVERY", 1)
    assert list(measure_on_this_machine(Store(database), describers, wanted=lambda: False)) == [(1, 4)]
    killed = measure_on_this_machine(Store(database), describers)
    next(killed)
    killed.close()  # before the albums followed
    assert measured(database, describers) == 2
    assert (database.albums.find_one({"name": "One"}) or {})["loudness"] is not None


@pytest.mark.usefixtures("shared_describers")
def test_a_pass_ends_its_measurement_for_a_change(
    database: Database[Document],
    settings: Settings,
    music: Path,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    monkeypatch.setattr("segue.batch_jobs.measure_loudness._WRITE_EVERY", 1)
    monkeypatch.setattr(update_library, "LOCAL", tmp_path)
    library = settings.library.model_copy(update={"settle_time": timedelta(microseconds=1)})
    index = settings.index.model_copy(update={"folder": str(tmp_path / "index")})
    settings = settings.model_copy(update={"library": library, "index": index})
    libraries = [Library(name="Music", folder=music)]
    first = update_library.run(settings, Store(database), libraries, quiet=True, measuring=lambda: False)
    assert (first.indexed, first.measured, first.unmeasured) == (4, 1, 3)
    second = update_library.run(settings, Store(database), libraries, quiet=True)
    assert (second.described, second.measured, second.unmeasured) == (0, 3, 0)


def test_a_file_without_sound_is_noted_and_not_tried_again(
    database: Database[Document], describers: Describers, music: Path
) -> None:
    ingest(database, music)
    single = music / "single.flac"
    status = single.stat()
    single.write_bytes(b"\0" * status.st_size)
    measured(database, describers)
    stored = by_name(database)["single.flac"]["loudness"]
    assert (stored["integrated"], stored["reason"]) == (None, "not-audio")
    assert measured(database, describers) == 0
    own = by_name(database)["single.flac"]["_id"]
    assert MeasuredTracks(Store(database)).gains([own, "unknown"]) == {own: ReplayGain()}


def test_a_damaged_value_is_measured_again(
    database: Database[Document], describers: Describers, music: Path
) -> None:
    ingest(database, music)
    measured(database, describers)
    good = by_name(database)
    for name, damage in {"0.flac": {"loudness": 5}, "1.flac": {"loudness.version": 7}}.items():
        database.tracks.update_one({"_id": good[name]["_id"]}, {"$set": damage})
    assert measured(database, describers) == 2
    assert {name: track["loudness"] for name, track in by_name(database).items()} == {
        name: track["loudness"] for name, track in good.items()
    }
