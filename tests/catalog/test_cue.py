"""CUE sheets: times, gaps, several files, encodings, and sheets that are none."""

from __future__ import annotations

from pathlib import Path

import pytest

from segue.catalog.cue import CueSheet, InvalidCue, parse_cue, read_cue
from segue.catalog.cue_songs import songs_by_file, songs_of
from segue.catalog.cue_tags import tags_of_song
from segue.catalog.tags import Tags

TWO_FILES = """
PERFORMER "Nina"
TITLE "Live"
REM DATE 1964
REM GENRE "Jazz"
FILE "One.wav" WAVE
  TRACK 01 AUDIO
    TITLE "First"
    INDEX 01 00:00:00
  TRACK 02 AUDIO
    TITLE "Second"
    PERFORMER "Nina feat. Bob"
    REM REPLAYGAIN_TRACK_GAIN -6.50 dB
    INDEX 00 04:08:00
    INDEX 01 04:10:30
  TRACK 03 AUDIO
    TITLE "Third"
    INDEX 01 09:05:45
  TRACK 04 AUDIO
    TITLE "Fourth"
    INDEX 01 12:00:74
FILE "Two.wav" WAVE
  TRACK 05 AUDIO
    TITLE "Fifth"
    INDEX 01 00:00:00
"""


def spans(sheet: CueSheet) -> list[list[tuple[int, float, float | None]]]:
    return [[(track.number, track.start, track.end) for track in file.tracks] for file in sheet.files]


def test_a_song_ends_where_the_next_one_in_its_file_begins() -> None:
    sheet = parse_cue(TWO_FILES)
    assert (sheet.title, sheet.performer, sheet.remarks) == (
        "Live",
        "Nina",
        {"date": "1964", "genre": "Jazz"},
    )
    assert spans(sheet) == [
        [(1, 0.0, 250.4), (2, 250.4, 545.6), (3, 545.6, 720.986667), (4, 720.986667, None)],
        [(5, 0.0, None)],
    ]
    second = sheet.files[0].tracks[1]
    assert (second.title, second.performer) == ("Second", "Nina feat. Bob")
    assert second.remarks == {"replaygain_track_gain": "-6.50 dB"}
    assert [file.name for file in sheet.files] == ["One.wav", "Two.wav"]


def test_the_last_song_of_each_file_ends_with_the_file() -> None:
    sheet = parse_cue(TWO_FILES)
    lengths = []
    for file, seconds in zip(sheet.files, (1000, 300), strict=True):
        whole = Tags(
            title="Whole",
            artist="A",
            album=None,
            genres=(),
            labels=(),
            duration_ms=1000 * seconds,
            track=None,
            year=None,
        )
        songs = [tags_of_song(whole, song, path=Path("x.wav")) for song in songs_of(file, sheet)]
        lengths.append([song.duration_ms for song in songs])
    assert lengths == [[250_400, 295_200, 175_387, 279_013], [300_000]]


def test_a_gap_may_begin_in_the_file_before() -> None:
    # EAC's "noncompliant" sheets: INDEX 00 in one file, INDEX 01 in the next.
    sheet = parse_cue(
        'FILE "1.wav" WAVE\nTRACK 01 AUDIO\nINDEX 01 00:00:00\nTRACK 02 AUDIO\nTITLE "B"\nINDEX 00 03:00:00\n'
        'FILE "2.wav" WAVE\nINDEX 01 00:00:00\n'
    )
    assert spans(sheet) == [[(1, 0.0, None)], [(2, 0.0, None)]]
    assert sheet.files[1].tracks[0].title == "B"


def test_words_without_quotes_titles_after_the_index_and_data_tracks() -> None:
    sheet = parse_cue(
        'file a.flac WAVE\ntrack 1 audio\nindex 1 0:0:0\ntitle "After"\n'
        "TRACK 02 MODE1/2352\nINDEX 01 05:00:00\n"
        "TRACK 03 AUDIO\nTITLE Bare\nINDEX 01 06:00:00\nINDEX 02 07:00:00"
    )
    assert spans(sheet) == [[(1, 0.0, 360.0), (3, 360.0, None)]]
    assert [track.title for track in sheet.files[0].tracks] == ["After", "Bare"]


@pytest.mark.parametrize(
    ("encoding", "title"),
    [
        ("utf-8", "Café del Mar"),
        ("utf-8-sig", "Café del Mar"),
        ("utf-16", "Музыка"),
        ("cp1252", "Café del Mar"),
        ("cp1251", "Кино Группа крови"),
        ("shift_jis", "さくらさくら 東京"),
    ],
)
def test_encodings(encoding: str, title: str) -> None:
    text = f'TITLE "{title}"\r\nFILE "a.flac" WAVE\r\nTRACK 01 AUDIO\r\nINDEX 01 00:00:00\r\n'
    assert read_cue(text.encode(encoding)).title == title
    assert read_cue(text.encode("utf-8"), encoding="cp1251").title == title


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a shopping list\nwith two lines",
        'FILE "a.flac" WAVE',
        "TRACK 01 AUDIO\nINDEX 01 00:00:00",
        'FILE "a.flac" WAVE\nTRACK 01 AUDIO\nINDEX 01 soon',
        'FILE "a.flac" WAVE\nTRACK 01 AUDIO\nINDEX 01 00:61:00',
        'FILE "a.flac" WAVE\nTRACK 01 AUDIO\nINDEX 01 00:00:75',
        'FILE "a.flac" WAVE\nTRACK 01 AUDIO\nINDEX 01 05:00:00\nTRACK 02 AUDIO\nINDEX 01 04:00:00',
        'FILE "a.flac" WAVE\n' + "TRACK 01 AUDIO\nINDEX 01 00:00:00\n" * 2,
    ],
)
def test_a_text_that_is_no_sheet_is_refused(text: str) -> None:
    with pytest.raises(InvalidCue):
        parse_cue(text)


def test_values_with_quotes_inside_and_without_any() -> None:
    sheet = parse_cue(
        "TITLE My Album\nPERFORMER Some Band\nFILE My Album.flac WAVE\n"
        "TRACK 01 AUDIO\nTITLE First Song\nINDEX 01 00:00:00\n"
        'TRACK 02 AUDIO\nTITLE "The "Best" Song"\nINDEX 01 03:00\n'
        "TRACK 03 AUDIO\nTITLE “Curly”\nPERFORMER Guns N' Roses\nINDEX 01 06:00:00\n"
    )
    (file,) = sheet.files
    assert (sheet.title, sheet.performer, file.name) == ("My Album", "Some Band", "My Album.flac")
    assert [track.title for track in file.tracks] == ["First Song", 'The "Best" Song', "Curly"]
    assert [track.start for track in file.tracks] == [0.0, 180.0, 360.0]
    assert file.tracks[2].performer == "Guns N' Roses"


@pytest.mark.parametrize("sign", ["\u2028", "\x85", "\x0b", "\x0c", "\x1c"])
def test_only_line_ends_end_a_line(sign: str) -> None:
    title = f"One{sign}Two"
    sheet = read_cue(f'FILE "a.flac" WAVE\rTRACK 01 AUDIO\rTITLE "{title}"\rINDEX 01 00:00:00\r'.encode())
    assert sheet.files[0].tracks[0].title == title


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be", "utf-32", "utf-8-sig"])
def test_unicode_without_a_mark(encoding: str) -> None:
    text = 'TITLE "Ä"\nFILE "a.flac" WAVE\nTRACK 01 AUDIO\nTITLE "Тест"\nINDEX 01 00:00:00\n'
    sheet = read_cue(text.encode(encoding))
    assert (sheet.title, sheet.files[0].tracks[0].title) == ("Ä", "Тест")


def test_one_broken_sign_does_not_change_the_encoding_of_the_others() -> None:
    text = 'TITLE "Ägypten"\nPERFORMER "Ö"\nFILE "a.flac" WAVE\nTRACK 01 AUDIO\nINDEX 01 00:00:00\n'
    data = text.encode().replace("Ö".encode(), "Ö".encode()[:1])
    sheet = read_cue(data)
    assert (sheet.title, sheet.performer) == ("Ägypten", "\ufffd")


def test_many_sheets_of_many_files_in_one_folder(tmp_path: Path) -> None:
    names = [f"{number}.flac" for number in range(2000)]
    sheets = []
    for start in range(0, 2000, 500):
        lines = [
            f'FILE "{name.upper()}" WAVE\nTRACK {number % 99 + 1:02d} AUDIO\nINDEX 01 00:00:00\n'
            for number, name in enumerate(names[start : start + 500])
        ]
        sheets.append(tmp_path / f"{start}.cue")
        sheets[-1].write_text("".join(lines))
    assert songs_by_file(names, sheets) == ({}, [])
    (tmp_path / "x.cue").write_text(
        'FILE "0.wav" WAVE\nTRACK 01 AUDIO\nINDEX 01 00:00:00\n'
        'FILE "gone.wav" WAVE\nTRACK 02 AUDIO\nINDEX 01 00:00:00\n'
    )
    _, rejected = songs_by_file(names, [tmp_path / "x.cue"])
    assert [(one.reason, one.detail) for one in rejected] == [("cue-without-file", "it names gone.wav")]
