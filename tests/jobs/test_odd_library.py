"""A library of everything that goes wrong: nothing stops a pass, and nothing is left out without a word."""

from __future__ import annotations

import os
import shutil
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from mutagen.id3 import APIC, ID3, TIT2, TPE1, TXXX
from pymongo.database import Database

from segue.audio.payload import sketch
from segue.batch_jobs import read_library, update_library
from segue.batch_jobs.update_summary import UpdateSummary
from segue.catalog.library import Library
from segue.catalog.read import read_tracks
from segue.settings import Settings
from segue.storage.mongo import Document
from segue.storage.store import Store
from tests.catalog.library import song

pytestmark = pytest.mark.usefixtures("shared_describers")


@pytest.fixture
def settings(settings: Settings, tmp_path: Path) -> Settings:
    library = {"settle_time": timedelta(microseconds=1)}
    return settings.model_copy(
        update={
            "audio": settings.audio.model_copy(update={"max_duration": timedelta(seconds=4)}),
            "library": settings.library.model_copy(update=library),
            "index": settings.index.model_copy(update={"folder": str(tmp_path / "index")}),
        }
    )


@pytest.fixture(autouse=True)
def own_lock(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    monkeypatch.setattr(update_library, "LOCAL", tmp_path)
    yield


def _names(good: Path, root: Path) -> int:
    """Songs whose names are odd; returns their number."""
    names = [
        b"\xe9t\xe9.mp3", b"\xcf\xe5\xf1\xed\xff.mp3", "é.mp3".encode(), "e\u0301.mp3".encode(),
        b"a\nb.mp3", b"a\tb.mp3", b" .mp3", b"#1.mp3", b"-rf.mp3", b"%41.mp3", b"$HOME.mp3", b"x\\y.mp3",
        b"concat:a|b.mp3", "\U0001f600.mp3".encode(), "\u202e3pm.mp3".encode(), b"x" * 251 + b".mp3",
        b"SONG.MP3", b"song.mp3", b"Song.Mp3", b"a.flac.mp3", b"...mp3", b"'\".mp3", b"*?.mp3",
    ]  # fmt: skip
    folder = root / "names"
    folder.mkdir(parents=True)
    for name in names:
        shutil.copy(good, folder / os.fsdecode(name))
    return len(names)


def _broken(good: Path, root: Path) -> Counter[str]:
    """Files that cannot be used; returns how many of each reason."""
    sound = good.read_bytes()
    root.mkdir(parents=True)
    broken: dict[str, tuple[bytes, str]] = {
        **{f"empty.{ending}": (b"", "empty") for ending in ("mp3", "flac", "m4a", "ogg", "wav", "wma")},
        **{
            f"text.{ending}": (b"no music at all " * 99, "not-audio")
            for ending in ("mp3", "flac", "m4a", "ogg", "wav", "aiff", "wv", "ape", "dsf", "mka", "opus")
        },
        **{
            f"head.{ending}": (head + bytes(99), "not-audio")
            for ending, head in (
                ("flac", b"fLaC"),
                ("ogg", b"OggS"),
                ("wav", b"RIFF\xff\xff\xff\xffWAVE"),
                ("m4a", b"\0\0\0 ftypM4A "),
                ("aiff", b"FORM\0\0\0\0AIFF"),
                ("mka", b"\x1aE\xdf\xa3"),
                ("mp3", b"ID3\x04\0\0\x7f\x7f\x7f\x7f"),
            )
        },
        "song.mid": (b"MThd", "unsupported"),
        "song.tak": (b"tBaK", "unsupported"),
        "film.mp4": (b"\0\0\0 ftypisom", "not-audio"),
        "Orphan.cue": (b'FILE "gone.wav" WAVE\n TRACK 01 AUDIO\n  INDEX 01 00:00:00\n', "cue-without-file"),
        "Faulty.cue": (b'FILE "whole.mp3" MP3\n TRACK 01 AUDIO\n  INDEX 01 99:99:99\n', "invalid-cue"),
    }
    for name, (data, _) in broken.items():
        (root / name).write_bytes(data)
    (root / "loop").symlink_to(root, target_is_directory=True)
    (root / "self.mp3").symlink_to(root / "self.mp3")
    (root / "gone.mp3").symlink_to(root / "nowhere.mp3")
    os.mkfifo(root / "pipe.mp3")
    (root / "folder.mp3").mkdir()
    (root / "whole.mp3").write_bytes(sound)
    found = Counter(reason for _, reason in broken.values())
    return found + Counter({"symlink-loop": 2, "unreadable": 1, "not-a-file": 1})


SAME_NAME = 1
"""The songs whose names differ from another's only in how an accent is encoded."""


def _tagged(good: Path, root: Path) -> int:
    """Songs whose tags are odd; returns their number."""
    root.mkdir(parents=True)
    huge = ID3()
    huge.add(APIC(encoding=3, mime="image/png", type=3, data=bytes(3_000_000)))
    huge.add(TXXX(encoding=3, desc="note", text="x" * 1_000_000))
    many = ID3()
    many.add(TPE1(encoding=3, text=[f"Artist {number}" for number in range(3000)]))
    for number in range(2000):
        many.add(TXXX(encoding=3, desc=f"field {number}", text="x"))
    signs = ID3()
    signs.add(TIT2(encoding=1, text="\0\x01\ud83d\ude00"[:2]))
    for name, tags in (("huge", huge), ("many", many), ("signs", signs)):
        shutil.copy(good, root / f"{name}.mp3")
        tags.save(root / f"{name}.mp3")
    sound = good.read_bytes()
    for number, junk in enumerate((b"\0" * 4096, b"ID3\x02\0\0\0\0\0\5abcde", b"ID3\x09\xff\xff\0\0\0\1a")):
        (root / f"junk {number}.mp3").write_bytes(junk + sound)
    (root / "cut ape.mp3").write_bytes(sound + b"APETAGEX\xd0\7\0\0\xff\xff\xff\x7f" + bytes(16))
    return 7


def test_an_odd_library_is_read_twice(
    database: Database[Document], settings: Settings, tmp_path: Path
) -> None:
    good = song(tmp_path / "good.mp3")
    root = tmp_path / "Music"
    expected = _broken(good, root / "broken") + Counter({"same-name": SAME_NAME})
    for number in range(2):
        song(root / f"other {number}.flac", seed=10 + number)
    tracks = 3 + _names(good, root) - SAME_NAME + _tagged(good, root / "tags")
    hidden = root / ".stversions" / "old.mp3"
    hidden.parent.mkdir()
    shutil.copy(good, hidden)

    def update() -> UpdateSummary:
        libraries = [Library(name="Music", folder=root)]
        return update_library.run(settings, Store(database), libraries, quiet=True)

    first = update()
    assert (first.new, first.tracks) == (tracks, tracks)
    assert first.reasons == expected
    assert (first.described, first.undescribed) == (tracks, 0)
    assert not first.faults
    for reason, count in expected.items():
        assert f"{count} {reason}" in first.sentence()
    listed = Counter(item["reason"] for item in database.rejected_tracks.find())
    assert listed == expected
    again = update()
    assert (again.new, again.changed, again.vanished, again.described) == (0, 0, 0, 0)
    assert (again.tracks, again.reasons, again.index) == (tracks, expected, first.index)


def test_a_first_song_and_its_copy_are_played_and_wait_for_others(
    database: Database[Document], settings: Settings, tmp_path: Path
) -> None:
    root = tmp_path / "Music"
    shutil.copy(song(root / "a.flac"), root / "b.flac")

    def update() -> UpdateSummary:
        libraries = [Library(name="Music", folder=root)]
        return update_library.run(settings, Store(database), libraries, quiet=True)

    first = update()
    assert (first.new, first.described, first.indexed) == (2, 2, 0)
    assert "nothing can be recommended yet: all tracks have the same features" in first.sentence()
    song(root / "c.flac", seed=3)
    second = update()
    assert (second.new, second.indexed, second.too_little) == (1, 3, "")


def test_a_file_that_is_replaced_while_it_is_read(
    database: Database[Document], settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root, other = tmp_path / "Music", song(tmp_path / "other.flac", seed=2)
    path = song(root / "a.flac", seed=1)
    libraries = [Library(name="Music", folder=root)]

    def replaced_in_between(*args: Any, **kwargs: Any) -> Any:
        shutil.copy(other, path)
        return read_tracks(*args, **kwargs)

    with monkeypatch.context() as patched:
        patched.setattr(read_library, "read_tracks", replaced_in_between)
        first = update_library.run(settings, Store(database), libraries, quiet=True)
    assert (first.new, first.rejected) == (1, 0)
    second = update_library.run(settings, Store(database), libraries, quiet=True)
    # Its sound was analysed when it had been replaced.
    assert (second.new, second.changed, second.tracks, second.described) == (0, 1, 1, 0)
    [track] = database.tracks.find()
    assert track["sketch"] == sketch(other)
    assert update_library.run(settings, Store(database), libraries, quiet=True).changed == 0
