"""Songs are recognised by fingerprint: converted, renamed and retagged at once; copies in two formats."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import imageio_ffmpeg
import pytest
from pymongo.database import Database

from segue.audio.describe_here import Describers
from segue.audio.describing import WHOLE, Span
from segue.batch_jobs import extract_features
from segue.batch_jobs.build_index import indexed_tracks
from segue.batch_jobs.ingest_catalog import IngestSummary, run
from segue.batch_jobs.read_library import Rules
from segue.catalog.duplicates import Duplicates
from segue.catalog.fingerprints import Fingerprints
from segue.catalog.listening import StoredSounds
from segue.catalog.stored_paths import path_to_open
from segue.index.track_columns import song_codes
from segue.settings import load_settings
from segue.storage.mongo import Document
from segue.storage.store import Store
from tests.audio.sounds import melody, write
from tests.catalog.library import tag

SETTINGS = load_settings()
SECONDS = 12.0
LIVE = ["-af", "atempo=1.04,aecho=0.8:0.7:60:0.4,apad", "-t", str(SECONDS)]


@pytest.fixture
def store(database: Database[Document]) -> Store:
    return Store(database)


@pytest.fixture
def listening(store: Store) -> Iterator[StoredSounds]:
    with StoredSounds(store, SETTINGS.audio) as sounds:
        yield sounds


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "Music"
    folder.mkdir()
    return folder


def song(path: Path, seed: int = 1) -> Path:
    return write(path, melody(seconds=SECONDS, seed=seed))


def convert(source: Path, target: Path, *options: str) -> Path:
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-y", "-i", str(source), "-map_metadata", "-1"]
    subprocess.run([*command, *options, str(target)], check=True, stdin=subprocess.DEVNULL)
    return target


def named(path: Path, title: str, artist: str = "Nina") -> Path:
    return tag(path, title=title, artist=artist, album="One", genre="Jazz")


def ingest(store: Store, root: Path, rules: Rules) -> IngestSummary:
    return run(store, root, quiet=True, rules=rules)


def describe(store: Store, *, fingerprints: bool = False) -> int:
    """Describe the tracks that need it; returns their number."""
    missing = extract_features.find_work(store, SETTINGS, fingerprints=fingerprints).missing
    sources = [(file.track_id, str(path_to_open(file.path or "")), WHOLE) for file in missing]
    with Describers(SETTINGS.audio) as describers:
        extract_features.write(store, missing, list(describers.describe(sources)), SETTINGS)
    return len(missing)


def ids(database: Database[Document]) -> dict[str, str]:
    present = database.tracks.find({"state": "present"})
    return {Path(track["path"]).name: track["_id"] for track in present}


def test_converted_renamed_and_retagged_at_once(
    store: Store, database: Database[Document], root: Path, listening: StoredSounds
) -> None:
    rules = Rules(listening=listening, accepted=True)
    first, second = named(song(root / "1.mp3", 1), "Feeling"), named(song(root / "2.mp3", 2), "Other")
    ingest(store, root, rules)
    describe(store)
    before = ids(database)
    named(convert(first, root / "new name.flac"), "Gefühl", "N. Simone")
    named(convert(second, root / "another name.opus", "-b:a", "64k"), "Anderes", "N. Simone")
    first.unlink()
    second.unlink()
    summary = ingest(store, root, rules)
    assert (summary.new, summary.vanished, summary.moved) == (0, 0, 2)
    assert ids(database) == {"new name.flac": before["1.mp3"], "another name.opus": before["2.mp3"]}


def test_a_live_version_with_the_same_names_and_length_is_another_track(
    store: Store, database: Database[Document], root: Path, listening: StoredSounds
) -> None:
    rules = Rules(listening=listening, accepted=True)
    studio = named(song(root / "feeling.flac"), "Feeling")
    ingest(store, root, rules)
    describe(store)
    (own,) = ids(database).values()
    live = named(convert(studio, root / "stage.mp3", *LIVE), "Feeling")
    studio.unlink()
    assert live.is_file()
    summary = ingest(store, root, rules)
    assert (summary.new, summary.vanished) == (1, 1)
    assert ids(database)["stage.mp3"] != own


def test_few_files_are_read_for_their_fingerprints(
    store: Store,
    database: Database[Document],
    root: Path,
    listening: StoredSounds,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """All songs have the same length, as excerpts have."""
    rules = Rules(listening=listening, accepted=True)
    lost = [named(song(root / f"{seed}.flac", seed), f"Song {seed}") for seed in range(3)]
    ingest(store, root, rules)
    describe(store)
    for path in lost:
        path.unlink()
    for seed in range(10, 16):
        named(song(root / f"{seed}.flac", seed), f"Song {seed}")
    read: list[str] = []
    of_file = listening._describer.fingerprint

    def noted(path: str, span: Span) -> bytes | None:
        read.append(path)
        return of_file(path, span)

    monkeypatch.setattr(listening, "_of_file", noted)
    monkeypatch.setattr("segue.catalog.listening.MOST_FILES", 4)
    summary = ingest(store, root, rules)
    assert (summary.new, summary.vanished, len(read)) == (6, 3, 4)


def test_copies_in_other_formats_are_one_song_and_a_live_version_is_no_copy(
    store: Store, database: Database[Document], root: Path
) -> None:
    studio = named(song(root / "studio.flac"), "Feeling")
    for rate in (64, 128, 320):
        copy = convert(studio, root / f"{rate}.mp3", "-b:a", f"{rate}k")
        named(copy, f"Track {rate}", f"Somebody {rate}")
    named(convert(studio, root / "live.mp3", *LIVE), "Feeling (Live)", "Nina on stage")
    named(song(root / "other.flac", 2), "Other")
    ingest(store, root, Rules())
    describe(store)
    own, duplicates = ids(database), Duplicates(store)
    copies = {own[name] for name in ("studio.flac", "64.mp3", "128.mp3", "320.mp3")}
    assert [set(group) for group in duplicates.groups()] == [copies]
    ((first, *others),) = duplicates.described(duplicates.groups())
    assert {first["track_id"], *(other["track_id"] for other in others)} == copies
    tracks = indexed_tracks(store)
    codes = dict(zip(tracks, song_codes(list(tracks.values())).tolist(), strict=True))
    assert len({codes[track] for track in copies}) == 1
    assert len(set(codes.values())) == 3


def test_a_file_with_another_sound_is_no_copy_any_more(
    store: Store, database: Database[Document], root: Path
) -> None:
    studio = named(song(root / "a.flac"), "Feeling")
    convert(studio, root / "b.mp3")
    ingest(store, root, Rules())
    describe(store)
    assert len(Fingerprints(store).sounds()) == 2
    (root / "a.flac").unlink()
    named(song(root / "a.flac", 7), "Feeling")
    ingest(store, root, Rules())
    assert describe(store) == 1
    assert Duplicates(store).groups() == []
    convert(root / "a.flac", root / "c.mp3")
    ingest(store, root, Rules())
    describe(store)
    own = ids(database)
    assert Duplicates(store).groups() == [sorted([own["a.flac"], own["c.mp3"]])]


def test_tracks_of_an_earlier_release_get_fingerprints_on_demand(
    store: Store, database: Database[Document], root: Path
) -> None:
    named(song(root / "a.flac"), "Feeling")
    ingest(store, root, Rules())
    describe(store)
    database.features.update_many({}, {"$unset": {"fingerprint": "", "marks": "", "sound": ""}})
    assert describe(store) == 0
    assert describe(store, fingerprints=True) == 1
    assert Fingerprints(store).known(ids(database).values()) == set(ids(database).values())
    assert describe(store, fingerprints=True) == 0
