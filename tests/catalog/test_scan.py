"""The walk through a folder: the files found, their order, and faults that it survives."""

from __future__ import annotations

import os
import re
import unicodedata
from pathlib import Path, PurePosixPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from segue.catalog.rejected import RejectedFile
from segue.catalog.scan import SUFFIXES, AudioFile, scan
from segue.catalog.stored_paths import path_to_open, readable
from segue.catalog.track import track_id
from segue.places import ROOT


def touch(root: Path, *names: str) -> Path:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(b"x")
    return root


def found(root: Path) -> list[str]:
    return [str(item.relative) for item in scan(root) if isinstance(item, AudioFile)]


def reasons(root: Path) -> dict[str, str]:
    rejected = [item for item in scan(root) if isinstance(item, RejectedFile)]
    return {str(Path(item.path).relative_to(root)): item.reason for item in rejected}


def test_audio_files_at_any_depth_in_an_order_of_names(tmp_path: Path) -> None:
    names = ["b/c/9.flac", "b/1.mp3", "z.WAV", "a/x.ogg", "a/y.m4a", "a.opus", "b/two\nlines 🎺.aac"]
    touch(tmp_path, *names, "b/notes.txt", "cover.jpg", "b/._1.mp3")
    assert found(tmp_path) == ["a.opus", "z.WAV", "a/x.ogg", "a/y.m4a", "b/1.mp3", names[-1], "b/c/9.flac"]
    assert reasons(tmp_path) == {}


def test_links_are_followed_once_and_loops_are_named(tmp_path: Path) -> None:
    touch(tmp_path, "music/a/1.mp3", "elsewhere/2.mp3")
    root = tmp_path / "music"
    (root / "a" / "up").symlink_to("..")
    (root / "0 other").symlink_to(tmp_path / "elsewhere")
    (root / "again").symlink_to(root / "a")
    (root / "self.mp3").symlink_to("self.mp3")
    (root / "gone.mp3").symlink_to("nowhere.mp3")
    (root / "alias.mp3").symlink_to("a/1.mp3")
    # The real folder goes before a link to it, whatever their names.
    assert found(root) == ["alias.mp3", "a/1.mp3", "0 other/2.mp3"]
    assert reasons(root) == {"self.mp3": "symlink-loop", "a/up": "symlink-loop", "gone.mp3": "unreadable"}


def test_a_link_to_a_folder_above_the_library_is_not_followed(tmp_path: Path) -> None:
    touch(tmp_path, "home/Music/Game/drive/1.mp3", "home/2.mp3", "elsewhere/3.mp3")
    root = tmp_path / "home" / "Music"
    (root / "Game" / "z:").symlink_to("/")
    (root / "Game" / "home").symlink_to(tmp_path / "home")
    (root / "other").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "elsewhere" / "up").symlink_to("..")
    assert found(root) == ["Game/drive/1.mp3", "other/3.mp3"]
    loops = dict.fromkeys(("Game/z:", "Game/home", "other/up"), "symlink-loop")
    assert reasons(root) == loops


def test_pipes_are_rejected_and_names_that_are_no_text_are_not(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.mp3")
    path = Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9.mp3"))
    path.write_bytes(b"x")
    (name,) = found(tmp_path)
    assert path_to_open(name).name == path.name and readable(name) == "café.mp3"
    name.encode("utf-8")
    assert reasons(tmp_path) == {"pipe.mp3": "not-a-file"}


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_closed_folder_is_named(tmp_path: Path) -> None:
    touch(tmp_path, "open/1.mp3", "closed/2.mp3")
    (tmp_path / "closed").chmod(0)
    assert found(tmp_path) == ["open/1.mp3"]
    assert reasons(tmp_path) == {"closed": "unreadable"}


def test_a_track_id_is_the_same_everywhere() -> None:
    """Written down: another result would make every listener's history worthless."""
    assert track_id("Music", PurePosixPath("Ada/One/Größe.mp3")) == "4f9dc346bcecf233"


def test_a_compressed_song_is_the_same_track() -> None:
    flac, mp3 = PurePosixPath("Ada/One.flac"), PurePosixPath("Ada/One.flac.mp3")
    assert track_id("m", mp3) == track_id("m", flac)
    assert len({track_id("m", PurePosixPath(name)) for name in ("One.mp3", "One.x.mp3", "One.flac")}) == 3


@given(st.text(min_size=1).filter(lambda text: "/" not in text))
def test_a_track_id_does_not_depend_on_how_letters_are_encoded(name: str) -> None:
    ids = {track_id("m", PurePosixPath(unicodedata.normalize(form, name))) for form in ("NFC", "NFD")}
    assert len(ids) == 1 and len(ids.pop()) == 16


@pytest.mark.parametrize("command", ["demo", "library ingest"])
def test_the_help_names_every_format(command: str) -> None:
    section = (ROOT / "docs" / "reference" / "commands.md").read_text().partition(f"\n## {command}\n")[2]
    row = next(line for line in section.splitlines() if "mp3" in line)
    assert {f".{name}" for name in re.findall(r"\w+", row)} >= SUFFIXES


@pytest.mark.parametrize(
    "folder",
    [
        "#recycle", "@Recycle", "$RECYCLE.BIN", ".Trash-1000/files", ".stversions", ".snapshot", "lost+found",
        ".sync/Archive", "@eaDir", "#snapshot", "System Volume Information", "__MACOSX",
    ],
)  # fmt: skip
def test_bins_and_snapshots_are_left_out(folder: str, tmp_path: Path) -> None:
    touch(
        tmp_path,
        f"{folder}/gone.mp3",
        f"Ada/{folder}/gone.mp3",
        "...And Justice/1.mp3",
        "Recycled Ideas/2.mp3",
    )
    assert found(tmp_path) == ["...And Justice/1.mp3", "Recycled Ideas/2.mp3"]


def test_a_folder_is_left_out_by_a_file_in_it(tmp_path: Path) -> None:
    touch(tmp_path, "a/1.mp3", "b/2.mp3", "b/c/3.mp3", "d/4.mp3")
    (tmp_path / "b" / ".nomedia").touch()
    (tmp_path / "d" / ".segueignore").write_text("\n")
    assert found(tmp_path) == ["a/1.mp3"]


def test_patterns_leave_out_the_files_that_they_match(tmp_path: Path) -> None:
    touch(tmp_path, "a/1.mp3", "a/demo 1.mp3", "Talks/2.mp3", "b/Talks/3.mp3", "b/x/4.mp3", "b/x/5.wav")
    (tmp_path / ".segueignore").write_text("# spoken\nTalks/\ndemo*\n!demo 9.mp3\n")
    (tmp_path / "b" / ".segueignore").write_text("/x/*.wav\n")
    assert found(tmp_path) == ["a/1.mp3", "b/x/4.mp3"]


@pytest.mark.parametrize("line", ["!", "\\", "a\\"])
def test_a_line_that_is_no_pattern_is_passed_over(
    line: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    touch(tmp_path, "a/1.mp3", "a/demo 1.mp3", "b/2.mp3")
    (tmp_path / "a" / ".segueignore").write_text(f"{line}\ndemo*\n")
    assert found(tmp_path) == ["a/1.mp3", "b/2.mp3"]
    assert f"{tmp_path}/a/.segueignore: the line {line!r} is not a pattern" in caplog.text


def test_a_pipe_in_the_place_of_the_patterns_is_not_read(tmp_path: Path) -> None:
    touch(tmp_path, "a/1.mp3")
    os.mkfifo(tmp_path / "a" / ".segueignore")
    assert found(tmp_path) == ["a/1.mp3"]


def test_audio_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    touch(tmp_path, "a.aiff", "b.wv", "c.mid", "d.M4P", "notes.txt", "e.webm")
    assert found(tmp_path) == ["a.aiff", "b.wv", "e.webm"]
    assert reasons(tmp_path) == {"c.mid": "unsupported", "d.M4P": "unsupported"}


@pytest.mark.parametrize("seconds", [10_413_792_000, -1 << 40])
def test_an_impossible_date_can_be_stored(seconds: int, tmp_path: Path) -> None:
    touch(tmp_path, "a.mp3")
    try:
        os.utime(tmp_path / "a.mp3", (seconds, seconds))
    except OSError:
        pytest.skip("this file system has no such date")
    (file,) = scan(tmp_path)
    assert isinstance(file, AudioFile) and abs(file.modified_ns) < 1 << 63


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le"])
def test_patterns_as_windows_programs_write_them(encoding: str, tmp_path: Path) -> None:
    touch(tmp_path, "Hörspiel/1.mp3", "demo.mp3", "2.mp3")
    (tmp_path / ".segueignore").write_bytes("Hörspiel/\r\ndemo*\r\n".encode(encoding))
    assert found(tmp_path) == ["2.mp3"]


@pytest.mark.parametrize("on_disk", ["NFC", "NFD"])
@pytest.mark.parametrize("pattern", ["NFC", "NFD"])
def test_patterns_and_names_with_accents_in_either_form(on_disk: str, pattern: str, tmp_path: Path) -> None:
    forms = [unicodedata.normalize(form, "Hörspiele") for form in (on_disk, pattern)]  # type: ignore[arg-type]
    touch(tmp_path, f"{forms[0]}/1.mp3", "2.mp3")
    (tmp_path / ".segueignore").write_text(f"{forms[1]}/\n")
    assert found(tmp_path) == ["2.mp3"]


def test_a_file_of_patterns_that_is_empty_but_for_a_mark_leaves_out_the_folder(tmp_path: Path) -> None:
    touch(tmp_path, "a/1.mp3", "2.mp3")
    (tmp_path / "a" / ".segueignore").write_bytes(b"\xef\xbb\xbf\r\n")
    assert found(tmp_path) == ["2.mp3"]
