"""A song keeps its track: renamed, moved, retagged, converted; and no two songs become one."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import imageio_ffmpeg
import numpy as np
import pytest
from mutagen.easyid3 import EasyID3
from mutagen.flac import FLAC
from pymongo.database import Database

from segue.audio.payload import digest, sketch
from segue.batch_jobs import read_library
from segue.batch_jobs.ingest_catalog import IngestSummary, run
from segue.batch_jobs.read_library import Found, Rules
from segue.batch_jobs.reconcile_library import bring_in_line
from segue.catalog.duplicates import Duplicates
from segue.catalog.library import find_music
from segue.catalog.track_files import TrackFiles
from segue.catalog.tracks import Tracks
from segue.index.track_columns import song_codes
from segue.storage.mongo import Document
from segue.storage.store import Store
from tests.audio.sounds import RATE, melody, write
from tests.catalog.library import picture, song, tag

AS_USUAL, ACCEPTED = Rules(), Rules(accepted=True)
Ids = Callable[[], dict[str, str]]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "Music"
    folder.mkdir()
    return folder


@pytest.fixture
def ids(database: Database[Document], root: Path) -> Ids:
    """The ids of the playable tracks by path within the library."""

    def by_path() -> dict[str, str]:
        found = database.tracks.find({"state": "present", "away_since": None})
        return {str(Path(track["path"]).relative_to(root)): track["_id"] for track in found}

    return by_path


def ingest(database: Database[Document], root: Path, rules: Rules = AS_USUAL, **others: Any) -> IngestSummary:
    return run(Store(database), root, quiet=True, rules=rules, **others)


def convert(source: Path, target: Path, *options: str) -> Path:
    target.parent.mkdir(parents=True, exist_ok=True)
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-y", "-i", str(source), *options, str(target)]
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL)
    return target


def named(path: Path, title: str, artist: str = "Nina", album: str = "One") -> Path:
    return tag(path, title=title, artist=artist, album=album, genre="Jazz")


def test_a_renamed_file_and_a_moved_folder_keep_their_tracks(
    database: Database[Document], root: Path, ids: Ids
) -> None:
    song(root / "A" / "01 x.flac", seed=1)
    song(root / "Album" / "1.mp3", seed=2)
    song(root / "Album" / "cd" / "2.ogg", seed=3)
    ingest(database, root)
    before = ids()
    (root / "B").mkdir()
    (root / "A" / "01 x.flac").rename(root / "B" / "1-x.flac")
    (root / "Album").rename(root / "Album2")
    summary = ingest(database, root)
    assert (summary.new, summary.vanished, summary.moved, summary.tracks) == (0, 0, 3, 3)
    assert ids() == {
        "B/1-x.flac": before["A/01 x.flac"],
        "Album2/1.mp3": before["Album/1.mp3"],
        "Album2/cd/2.ogg": before["Album/cd/2.ogg"],
    }
    track = database.tracks.find_one({"_id": before["A/01 x.flac"]})
    assert track is not None and track["file_key"] == "1-x.flac"
    unchanged = ingest(database, root)
    assert (unchanged.unchanged, unchanged.moved) == (3, 0)


@pytest.mark.parametrize("ending", ["mp3", "ogg", "flac", "m4a", "wav"])
def test_retagged_with_a_cover_and_renamed_at_once(
    database: Database[Document], root: Path, ids: Ids, ending: str
) -> None:
    path = named(song(root / "a" / f"1.{ending}"), "Old", "Old artist")
    song(root / "a" / f"2.{ending}", seed=5)
    ingest(database, root)
    before = ids()
    tag(path, title="New", artist="New artist", album="Two", genre="Rock", cover=picture())
    moved = root / "New artist" / f"New.{ending}"
    moved.parent.mkdir()
    shutil.copyfile(path, moved)  # another inode, as a tagger makes that writes a new file
    path.unlink()
    summary = ingest(database, root)
    assert (summary.new, summary.vanished, summary.moved) == (0, 0, 1)
    assert ids()[f"New artist/New.{ending}"] == before[f"a/1.{ending}"]
    assert (
        Tracks(Store(database)).summaries([before[f"a/1.{ending}"]])[before[f"a/1.{ending}"]].title == "New"
    )


@pytest.mark.parametrize("ending", ["flac", "m4a", "ogg", "opus", "wav"])
def test_a_converted_song_keeps_its_track(
    database: Database[Document], root: Path, ids: Ids, ending: str
) -> None:
    path = named(song(root / "Nina" / "01.mp3"), "Feeling")
    named(song(root / "Nina" / "02.mp3", seed=2), "Other")
    ingest(database, root)
    before = ids()
    named(convert(path, root / "Nina" / f"Feeling.{ending}"), "Feeling")
    path.unlink()
    summary = ingest(database, root)
    assert (summary.new, summary.vanished) == (0, 0)
    assert ids()[f"Nina/Feeling.{ending}"] == before["Nina/01.mp3"]


def test_musicbrainz_ids_go_before_names(database: Database[Document], root: Path, ids: Ids) -> None:
    path = song(root / "1.mp3")

    def label(file: Path, title: str, track: str) -> None:
        tags = EasyID3()
        tags.update({"title": title, "artist": "Nina", "musicbrainz_releasetrackid": track})
        tags["musicbrainz_trackid"] = "b1a9c0e9-d987-4042-ae91-78d6a3267d69"
        tags.save(file)

    one, other = "0d1c2a31-0000-4000-8000-000000000001", "0d1c2a31-0000-4000-8000-000000000002"
    label(path, "Feeling", one)
    ingest(database, root)
    before = ids()["1.mp3"]
    # The same recording on another release is another track; on the same release it is this one.
    label(write(root / "b.mp3", melody(seconds=5.0, seed=7)), "Feeling good", other)
    label(write(root / "c.mp3", melody(seconds=5.5, seed=8)), "Feeling fine", one)
    path.unlink()
    assert ingest(database, root).new == 1
    assert ids()["c.mp3"] == before != ids()["b.mp3"]


def test_two_files_that_swap_their_names_keep_their_songs(
    database: Database[Document], root: Path, ids: Ids
) -> None:
    a, b = song(root / "a.mp3", seed=1), song(root / "b.mp3", seed=2)
    ingest(database, root)
    before = ids()
    a.rename(root / "c")
    b.rename(a)
    (root / "c").rename(b)
    summary = ingest(database, root)
    assert (summary.new, summary.vanished, summary.tracks) == (0, 0, 2)
    assert ids() == {"a.mp3": before["b.mp3"], "b.mp3": before["a.mp3"]}
    # The same by copies, which have other inodes.
    one, other = a.read_bytes(), b.read_bytes()
    for path, data in ((a, other), (b, one)):
        path.unlink()
        path.write_bytes(data)
    ingest(database, root)
    assert ids() == before


def test_copies_are_tracks_and_the_first_keeps_its_id(
    database: Database[Document], root: Path, ids: Ids
) -> None:
    first = song(root / "a.mp3")
    ingest(database, root)
    own = ids()["a.mp3"]
    shutil.copy2(first, root / "b.mp3")
    shutil.copy2(first, root / "0.mp3")
    assert ingest(database, root).new == 2
    assert ids()["a.mp3"] == own and len(set(ids().values())) == 3
    first.rename(root / "z.mp3")
    shutil.copy2(root / "z.mp3", root / "y.mp3")
    assert ingest(database, root).new == 1
    assert ids()["z.mp3"] == own and len(set(ids().values())) == 4


def test_a_place_that_is_free_again_has_another_id(
    database: Database[Document], root: Path, ids: Ids
) -> None:
    song(root / "a.mp3", seed=1).rename(root / "a.mp3")
    ingest(database, root)
    first = ids()["a.mp3"]
    (root / "a.mp3").rename(root / "b.mp3")
    write(root / "a.mp3", melody(seconds=9.0, seed=2))
    ingest(database, root)
    assert ids()["b.mp3"] == first != ids()["a.mp3"]
    before = ids()
    assert ingest(database, root).unchanged == 2
    assert ids() == before


@pytest.mark.parametrize(
    ("title", "artist", "seconds"),
    [
        ("Feeling (Live)", "Nina", 4.0),  # live and studio
        ("Feeling", "Another", 4.0),  # the same title by another artist
        ("Feeling", "Nina", 9.0),  # a remaster of another length
        ("Feeling (Acoustic)", "Nina", 4.0),
        ("Feeling 2.0", "Nina", 4.0),
    ],
)
def test_another_song_in_another_place_is_another_track(
    database: Database[Document], root: Path, ids: Ids, title: str, artist: str, seconds: float
) -> None:
    path = named(song(root / "1.mp3"), "Feeling")
    song(root / "2.mp3", seed=2)
    ingest(database, root)
    before = ids()["1.mp3"]
    path.unlink()
    named(write(root / "other.mp3", melody(seconds=seconds, seed=9)), title, artist)
    summary = ingest(database, root)
    assert (summary.new, summary.vanished) == (1, 1)
    assert ids()["other.mp3"] != before


def test_silence_does_not_identify_a_song(database: Database[Document], root: Path, ids: Ids) -> None:
    silence = np.zeros(RATE * 4, np.float32)
    for ending in ("wav", "mp3", "flac"):
        assert sketch(write(root / f"silent.{ending}", silence), seconds=4.0) is None
    ingest(database, root)
    before = ids()
    for ending in ("wav", "mp3", "flac"):
        (root / f"silent.{ending}").unlink()
        named(write(root / f"pause.{ending}", silence), "Pause", "Another")
    assert ingest(database, root, ACCEPTED).new == 3
    assert not set(before.values()) & set(ids().values())


def test_a_killed_pass_is_completed(
    database: Database[Document], root: Path, ids: Ids, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(8):
        named(song(root / "Album" / f"{number}.mp3", seconds=1.0, seed=number), f"Song {number}")
    ingest(database, root)
    before = ids()
    for number in range(8):
        path = root / "Album" / f"{number}.mp3"
        tag(path, title=f"New {number}", artist="Nina", album="Two", genre="Jazz")
        (root / "Two").mkdir(exist_ok=True)
        shutil.copyfile(path, root / "Two" / f"new {number}.mp3")
    shutil.rmtree(root / "Album")
    song(root / "0 really new.mp3", seed=99)
    monkeypatch.setattr(read_library, "WRITE_EVERY", 3)
    for after in range(1, 4):
        _killed_after(after, database, root, monkeypatch)
    ingest(database, root)
    assert {f"Album/{name[8:]}": own for name, own in ids().items() if name.startswith("Two/")} == before
    assert database.tracks.count_documents({}) == 9


def _killed_after(
    writes: int, database: Database[Document], root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    left = writes
    real = TrackFiles.write

    def write_or_die(self: Any, tracks: Any) -> None:
        nonlocal left
        if not left:
            raise KeyboardInterrupt
        left -= 1
        real(self, tracks)

    with monkeypatch.context() as patched:
        patched.setattr(TrackFiles, "write", write_or_die)
        with pytest.raises(KeyboardInterrupt):
            ingest(database, root)


def test_an_old_file_that_is_moved_in_is_found(database: Database[Document], root: Path, ids: Ids) -> None:
    song(root / "1.mp3")
    ingest(database, root)
    old = song(root.parent / "elsewhere.mp3", seed=2)
    os.utime(old, (1_250_000_000, 1_250_000_000))
    old.rename(root / "2.mp3")
    assert ingest(database, root).new == 1
    longer = song(root.parent / "longer.mp3", seed=1, seconds=5.0)
    os.utime(longer, (1_000_000_000, 1_000_000_000))
    longer.replace(root / "1.mp3")
    assert ingest(database, root).changed + ingest(database, root).unchanged >= 2
    track = database.tracks.find_one({"path": str(root / "1.mp3"), "state": "present"})
    assert track is not None and track["duration_ms"] == pytest.approx(5000, abs=100)


def test_names_that_are_not_utf8_are_tracks(database: Database[Document], root: Path) -> None:
    good = song(root / "good.mp3")
    path = Path(os.fsdecode(os.fsencode(root) + b"/Caf\xe9/Beyonc\xe9.mp3"))
    path.parent.mkdir()
    shutil.copyfile(good, path)
    decomposed = song(root / "Beyonce\u0301.flac", seed=3)
    assert ingest(database, root).new == 3
    tracks = Tracks(Store(database))
    track = database.tracks.find_one({"title": "Beyoncé", "artist": "Café"})
    assert track is not None
    before = tracks.recording(track["_id"])
    assert before is not None
    assert before.path == path
    assert before.path.read_bytes()
    found = tracks.with_file_names(["Beyonc\u00e9.flac"])
    assert [match.path for match in found["beyonc\u00e9.flac"]] == [str(decomposed)]
    path.rename(path.with_name("b.mp3"))
    assert ingest(database, root).moved == 1
    after = tracks.recording(track["_id"])
    assert after is not None
    assert after.path == path.with_name("b.mp3")


def test_tracks_of_earlier_releases_follow_their_files(
    database: Database[Document], root: Path, ids: Ids
) -> None:
    """A catalogue of 0.1 has neither inodes nor digests of the sound."""
    song(root / "a.mp3", seed=1)
    named(song(root / "b.mp3", seed=2), "Feeling")
    song(root / "c.mp3", seed=3)
    for number, path in enumerate(sorted(root.iterdir())):
        os.utime(path, ns=(1, 1_600_000_000_123_456_000 + number))
    ingest(database, root)
    before = ids()
    added = dict.fromkeys(("inode", "device", "place", "sketch", "changed_ns", "reader"), "")
    database.tracks.update_many({}, {"$unset": added})
    (root / "a.mp3").rename(root / "1.mp3")
    convert(root / "b.mp3", root / "Feeling.flac")
    (root / "b.mp3").unlink()
    assert ingest(database, root).new == 0
    assert ids() == {"1.mp3": before["a.mp3"], "Feeling.flac": before["b.mp3"], "c.mp3": before["c.mp3"]}


@pytest.mark.parametrize("tagged", [True, False])
def test_a_new_inode_number_of_an_old_file_is_no_proof(
    database: Database[Document], root: Path, ids: Ids, tagged: bool
) -> None:
    first = song(root / "a.mp3", seed=1)
    song(root / "z.mp3", seed=3)
    ingest(database, root)
    before = ids()["a.mp3"]
    inode = first.stat().st_ino
    first.unlink()
    other = song(root / "b.mp3", seed=2, seconds=7.0)
    if tagged:
        named(other, "Another")
    database.tracks.update_one({"_id": before}, {"$set": {"inode": other.stat().st_ino}})
    assert inode
    assert ingest(database, root).new == 1
    assert ids()["b.mp3"] != before


def test_a_flac_with_an_id3_tag_and_more_padding(tmp_path: Path) -> None:
    path = song(tmp_path / "a.flac")
    before = sketch(path), digest(path)
    audio = FLAC(path)
    audio["comment"] = "x" * 100_000
    audio.save(padding=lambda info: 50_000)
    path.write_bytes(b"ID3\x04\x00\x00\x00\x00\x00\x10" + bytes(16) + path.read_bytes() + b"TAG" + bytes(125))
    assert (sketch(path), digest(path)) == before
    with path.open("r+b") as file:
        file.seek(-5000, os.SEEK_END)
        file.write(b"\x55")
    assert digest(path) != before[1]


def test_a_pass_over_one_folder_leaves_the_rest(database: Database[Document], root: Path, ids: Ids) -> None:
    for folder, seed in (("A", 1), ("B", 2)):
        song(root / folder / "1.mp3", seed=seed)
        song(root / folder / "2.mp3", seed=seed + 5)
    ingest(database, root)
    before = ids()
    (root / "A" / "1.mp3").rename(root / "A" / "one.mp3")
    (root / "B" / "2.mp3").unlink()
    files = find_music(root, library="Music", layout=None).files
    part = Found(
        library="Music",
        roots=[root],
        files={place: file for place, file in files.items() if file.relative.parts[0] == "A"},
        covers=lambda track: (track.path or "").startswith(f"{root}/A/"),
    )
    changes = bring_in_line(Store(database), part, rules=Rules(), quiet=True)
    assert (len(changes.moved), len(changes.new), changes.absent.vanished) == (1, 0, ())
    assert ids()["A/one.mp3"] == before["A/1.mp3"] and ids()["B/2.mp3"] == before["B/2.mp3"]


def test_duplicates_are_known_and_are_one_song_of_the_index(
    database: Database[Document], root: Path, ids: Ids
) -> None:
    first = named(song(root / "a.mp3"), "Feeling")
    shutil.copyfile(first, root / "b.mp3")
    named(root / "b.mp3", "Another name", "Somebody")
    song(root / "untagged.mp3", seed=4)
    shutil.copyfile(root / "untagged.mp3", root / "copy.mp3")
    named(song(root / "c.mp3", seed=5), "Feeling", "Somebody else")
    ingest(database, root)
    tracks, own = TrackFiles(Store(database)), ids()
    duplicates = Duplicates(Store(database))
    every = duplicates.groups()
    assert (len(every), sum(map(len, every))) == (2, 4)
    groups = [{track["track_id"] for track in group} for group in duplicates.described(every)]
    assert {own["a.mp3"], own["b.mp3"]} in groups and {own["untagged.mp3"], own["copy.mp3"]} in groups
    indexed = tracks.to_index()
    codes = dict(zip(indexed, song_codes(list(indexed.values())).tolist(), strict=True))
    assert codes[own["a.mp3"]] == codes[own["b.mp3"]] >= 0
    assert codes[own["untagged.mp3"]] == codes[own["copy.mp3"]] >= 0
    assert len(set(codes.values())) == 3
