"""Lyrics: the variants of the LRC format, lyrics in the tags of all formats, and files beside recordings."""

from __future__ import annotations

from pathlib import Path, PurePosixPath
from typing import Any

import mutagen
import pytest
from mutagen.apev2 import APEv2
from mutagen.id3 import ID3, SYLT, TXXX, USLT
from mutagen.mp4 import MP4

from segue.catalog.lyrics import LONGEST, MOST_LINES, Lyrics, NoLyrics, language_code, lyrics_in, read_lyrics
from segue.catalog.lyrics_files import LARGEST, digest_of, files_by_recording, lyrics_beside
from segue.catalog.rejected import RejectedFile
from segue.catalog.tags import read_tags
from tests.catalog.library import song


def lines(lyrics: Lyrics | None) -> list[tuple[int | None, str]]:
    assert lyrics is not None
    return [(line.start_ms, line.text) for line in lyrics.lines]


def test_a_byte_order_mark_several_times_and_three_digits() -> None:
    text = "\ufeff[00:01.50]a\r\n[00:10.00][01:10.00]la\r\n[00:03.125]b\r\n"
    expected = [(1500, "a"), (3125, "b"), (10000, "la"), (70000, "la")]
    for data in (text.encode(), text.encode("utf-16"), text.replace("\r\n", "\r").encode()):
        found = read_lyrics(data)
        assert lines(found) == expected
        assert found is not None and found.synced


@pytest.mark.parametrize(
    ("stamp", "start"),
    [
        ("[00:01.5]", 1500),
        ("[00:01.05]", 1050),
        ("[00:01.005]", 1005),
        ("[00:01.0059]", 1005),
        ("[00:01:50]", 1500),
        ("[00:01,50]", 1500),
        ("[00:01]", 1000),
        ("[0:1.5]", 1500),
        ("[ 00 : 01 . 50 ]", 1500),
        ("[123:00.00]", 123 * 60_000),
        ("[01:02:03.50]", 3_723_500),
    ],
)
def test_forms_of_times(stamp: str, start: int) -> None:
    assert lines(lyrics_in(f"{stamp} words ")) == [(start, "words")]


@pytest.mark.parametrize(
    ("offset", "start"),
    [
        ("[offset:+500]", 11_800),
        ("[offset: -3000]", 15_300),
        ("[ Offset : 500 ]", 11_800),
        ("[offset:-250 ms]", 12_550),
        ("[offset:99999]", 0),
        ("[offset:soon]", 12_300),
        ("[offset:]", 12_300),
    ],
)
def test_an_offset_is_added_to_the_times(offset: str, start: int) -> None:
    assert lines(lyrics_in(f"{offset}\n[00:12.30]one"))[0] == (start, "one")
    assert lines(lyrics_in(f"[00:12.30]one\n{offset}"))[0] == (start, "one")


def test_pauses_words_with_times_and_facts() -> None:
    text = (
        "[ti:Name]\n[ar: Band]\n[la:DE]\n[#:a comment]\n[length: 03:20]\n"
        "[00:01.00]<00:01.00>la <00:01.50>le\n"
        "[00:02.00]\n\n[00:03.00][Chorus: all]\nand more\n"
    )
    found = lyrics_in(text)
    assert found is not None and found.language == "de"
    assert lines(found) == [(1000, "la le"), (2000, ""), (3000, "[Chorus: all]"), (3000, "and more")]


def test_lyrics_without_times() -> None:
    found = lyrics_in("\n\n[Verse 1]\n one\n\n[Chorus: Bob]\ntwo\n\n")
    assert lines(found) == [
        (None, "[Verse 1]"),
        (None, "one"),
        (None, ""),
        (None, "[Chorus: Bob]"),
        (None, "two"),
    ]
    assert found is not None and (found.synced, found.language) == (False, "und")
    for empty in ("", "\n \n", "[ti:Name]\n[00:01.00]\n[00:02.00] "):
        assert lyrics_in(empty) is None


def test_limits() -> None:
    assert len(lines(lyrics_in("[00:01.00]" * 20_000 + "la"))) == MOST_LINES
    assert len(lines(lyrics_in("la\n" * 20_000))) == MOST_LINES
    long = lyrics_in("\n".join(["x" * 5000] * 1000))
    assert sum(len(text) for _, text in lines(long)) <= LONGEST
    assert lines(lyrics_in("[9999:99.99]late"))[0][0] == 100 * 3_600_000
    with pytest.raises(NoLyrics):
        read_lyrics(bytes(range(256)) * 10)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("ENG", "eng"),
        ("de", "de"),
        ("pt_BR", "pt-br"),
        ("XXX", "und"),
        ("", "und"),
        ("\0\0\0", "und"),
        ("?", "und"),
    ],
)
def test_languages(text: str, code: str) -> None:
    assert language_code(text) == code


@pytest.mark.parametrize(
    ("encoding", "text"),
    [("cp1251", "Группа крови на рукаве"), ("shift_jis", "さくらさくら 東京"), ("cp1252", "Café ist schön")],
)
def test_encodings(encoding: str, text: str) -> None:
    assert lines(read_lyrics(f"[00:01.00]{text}".encode(encoding))) == [(1000, text)]


def of_tags(path: Path) -> tuple[Lyrics, ...]:
    return read_tags(path, relative=PurePosixPath(path.name))[0].lyrics


def with_id3(path: Path, *frames: Any) -> tuple[Lyrics, ...]:
    tags = ID3()
    for frame in frames:
        tags.add(frame)
    tags.save(path)
    return of_tags(path)


def test_lyrics_of_id3(tmp_path: Path) -> None:
    path = song(tmp_path / "a.mp3")
    synchronised = SYLT(
        encoding=3, lang="eng", format=2, type=1, desc="", text=[("one", 1500), ("two", 70_000)]
    )
    found = with_id3(
        path,
        USLT(encoding=3, lang="deu", desc="", text="eins\nzwei"),
        USLT(encoding=3, lang="XXX", desc="x", text="[00:05.00]cinq"),
        synchronised,
        TXXX(encoding=3, desc="LYRICS", text=["one more"]),
    )
    assert [(one.language, one.synced) for one in found] == [
        ("eng", True), ("und", True), ("deu", False), ("und", False),
    ]  # fmt: skip
    assert lines(found[0]) == [(1500, "one"), (70_000, "two")]
    assert lines(found[1]) == [(5000, "cinq")]
    assert lines(found[2]) == [(None, "eins"), (None, "zwei")]


def test_synchronised_frames_of_other_kinds(tmp_path: Path) -> None:
    path = song(tmp_path / "a.mp3")
    syllables = [("Hel", 0), ("lo ", 100), ("you", 200), ("\nsec", 1000), ("ond", 1100), ("\n", 2000)]
    (found,) = with_id3(path, SYLT(encoding=3, lang="eng", format=2, type=1, text=syllables))
    assert lines(found) == [(0, "Hello you"), (1000, "second"), (2000, "")]
    info = mutagen.File(path).info
    assert (info.version, info.layer, info.sample_rate) == (2, 3, 22050)
    (found,) = with_id3(path, SYLT(encoding=3, lang="eng", format=1, type=1, text=[("la", 100)]))
    assert lines(found) == [(round(100_000 * 576 / 22050), "la")]
    chords = SYLT(encoding=3, lang="eng", format=2, type=5, text=[("Am", 0)])
    assert with_id3(path, chords) == ()


def test_lyrics_in_old_encodings(tmp_path: Path) -> None:
    text = "Группа крови на рукаве"
    frame = USLT(encoding=0, lang="rus", text=text.encode("cp1251").decode("latin-1"))
    (found,) = with_id3(song(tmp_path / "a.mp3"), frame)
    assert (found.language, lines(found)) == ("rus", [(None, text)])


@pytest.mark.parametrize("ending", ["flac", "ogg", "opus"])
@pytest.mark.parametrize("name", ["LYRICS", "UNSYNCEDLYRICS", "unsynced lyrics", "SYNCEDLYRICS"])
def test_lyrics_of_vorbis_comments(tmp_path: Path, ending: str, name: str) -> None:
    path = song(tmp_path / f"a.{ending}")
    audio = mutagen.File(path)
    audio[name] = "[00:01.50]one\n[00:02.00]two"
    audio.save()
    (found,) = of_tags(path)
    assert lines(found) == [(1500, "one"), (2000, "two")]


def test_both_fields_count_and_the_same_text_once(tmp_path: Path) -> None:
    path = song(tmp_path / "a.flac")
    audio = mutagen.File(path)
    audio.update({"LYRICS": "one", "UNSYNCEDLYRICS": "one", "SYNCEDLYRICS": "[00:01.00]one"})
    audio.save()
    assert list(map(lines, of_tags(path))) == [[(1000, "one")], [(None, "one")]]


def test_lyrics_of_mp4_and_ape(tmp_path: Path) -> None:
    path = song(tmp_path / "a.m4a")
    audio = MP4(path)
    audio["\xa9lyr"] = "one\rtwo"
    audio.save()
    assert lines(of_tags(path)[0]) == [(None, "one"), (None, "two")]
    path = song(tmp_path / "a.mp3")
    tags = APEv2()
    tags["Lyrics"] = "[00:01.00]one"
    tags.save(path)
    assert lines(of_tags(path)[0]) == [(1000, "one")]


def test_which_files_belong_to_a_recording(tmp_path: Path) -> None:
    names = ["Song.flac", "Song.mp3", "Other.en.ogg", "Other.ogg", "Lossless.flac.mp3", "Cafe\u0301.ogg"]
    beside = [
        "SONG.LRC",
        "song.de.lrc",
        "Other.en.lrc",
        "Lossless.lrc",
        "Caf\u00e9.lrc",
        "none.lrc",
        "Song.live version.lrc",
    ]
    for name in beside:
        (tmp_path / name).write_text("la")
    found = files_by_recording(names, list(tmp_path.iterdir()))
    assert {name: [(file.path.name, file.language) for file in files] for name, files in found.items()} == {
        "Song.flac": [("SONG.LRC", "und"), ("song.de.lrc", "de")],
        "Song.mp3": [("SONG.LRC", "und"), ("song.de.lrc", "de")],
        "Other.en.ogg": [("Other.en.lrc", "und")],
        "Lossless.flac.mp3": [("Lossless.lrc", "und")],
        "Cafe\u0301.ogg": [("Caf\u00e9.lrc", "und")],
    }
    before = digest_of(found["Song.mp3"])
    (tmp_path / "song.de.lrc").write_text("la la")
    assert digest_of(files_by_recording(names, list(tmp_path.iterdir()))["Song.mp3"]) != before
    assert digest_of(()) is None


def test_plain_texts_count_after_files_with_times(tmp_path: Path) -> None:
    for name in ("Song.txt", "Song.LRC", "song.elrc", "Song.fr.txt", "readme.txt", "Song.flac.txt"):
        (tmp_path / name).write_text("la")
    found = files_by_recording(["Song.flac"], list(tmp_path.iterdir()))
    assert [(file.path.name, file.language) for file in found["Song.flac"]] == [
        ("Song.LRC", "und"),
        ("song.elrc", "und"),
        ("Song.txt", "und"),
        ("Song.fr.txt", "fr"),
    ]
    (tmp_path / "Song.txt").write_bytes("\ufeffDie erste Zeile\r\n\r\nund die zweite\r\n".encode("utf-16"))
    [text] = lyrics_beside(found["Song.flac"][2:3], encoding="auto", track_id="t")
    assert not isinstance(text, RejectedFile)
    assert lines(text) == [(None, "Die erste Zeile"), (None, ""), (None, "und die zweite")]


def test_files_that_are_no_lyrics(tmp_path: Path) -> None:
    for name, data in {"a": b"\0\1\2" * 9, "b": b"x" * (LARGEST + 1), "c": b"", "d": b"la"}.items():
        (tmp_path / f"{name}.lrc").write_bytes(data)
    (tmp_path / "e.lrc").mkdir()
    files = files_by_recording([f"{name}.mp3" for name in "abcde"], sorted(tmp_path.iterdir()))
    outcomes = [
        one for name in "abcde" for one in lyrics_beside(files[f"{name}.mp3"], encoding="auto", track_id="t")
    ]
    reasons = [one.reason if isinstance(one, RejectedFile) else lines(one) for one in outcomes]
    assert reasons == ["invalid-lyrics", "invalid-lyrics", [(None, "la")], "invalid-lyrics"]


def test_a_time_before_the_beginning_and_full_width_brackets() -> None:
    found = read_lyrics("[-00:01.00]a\n［00:02.00］b\n[00:03.00]c".encode())
    assert found is not None
    assert [(line.start_ms, line.text) for line in found.lines] == [(0, "a"), (2000, "b"), (3000, "c")]
