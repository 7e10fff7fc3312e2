"""Playlists as text."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from segue.playlists.entries import Entry, NotPlaylist, path_parts
from segue.playlists.m3u import LARGEST, read_playlist, readings, write_m3u

SIMPLE = b"""#EXTM3U
#PLAYLIST:Late night
#EXTINF:213,Sigur R\xc3\xb3s - Hopp\xc3\xadpolla
../music/hop.mp3

#EXTINF:-1 tvg-id="x",Untitled
http://example.org/a/b%20c.ogg?token=1
C:\\Music\\Queen\\07 - Under Pressure.mp3
plain_name.flac
"""


def test_an_extended_playlist() -> None:
    found = read_playlist(SIMPLE)
    assert found.name == "Late night"
    assert [(e.artist, e.title, e.seconds) for e in found.entries] == [
        ("Sigur Rós", "Hoppípolla", 213.0),
        (None, "Untitled", None),
        (None, "Under Pressure", None),
        (None, "plain name", None),
    ]
    assert found.entries[1].shown == "Untitled"


def test_latin_1_and_windows_line_ends_and_a_mark() -> None:
    assert (
        read_playlist("#EXTINF:1,Bj\xf6rk - J\xf3ga\r\na.mp3\r\n".encode("latin-1")).entries[0].artist
        == "Björk"
    )
    assert read_playlist(b"\xef\xbb\xbf#EXTM3U\na.mp3").entries[0].title == "a"


@pytest.mark.parametrize(
    "data",
    [b"", b"#EXTM3U\n#EXTINF:1,a\n", b"ID3\x00\x00", b"x" * (LARGEST + 1), b"a\n" * 10_001],
    ids=["nothing", "no entry", "a recording", "too many bytes", "too many songs"],
)
def test_a_text_that_is_no_playlist_is_refused(data: bytes) -> None:
    with pytest.raises(NotPlaylist):
        read_playlist(data)


names = st.text(st.characters(exclude_categories=["C", "Z"]), min_size=1, max_size=20).filter(
    lambda t: "-" not in t
)


@given(
    st.lists(st.builds(Entry, title=names, artist=names, seconds=st.integers(1, 9999).map(float)), min_size=1)
)
def test_a_written_playlist_is_read(entries: list[Entry]) -> None:
    there = [Entry(title=e.title, artist=e.artist, seconds=e.seconds, location="file.mp3") for e in entries]
    found = read_playlist(write_m3u("My list", there).encode())
    assert found.name == "My list"
    assert list(found.entries) == there


def test_a_title_with_line_ends_stays_one_entry() -> None:
    text = write_m3u("a\nb", [Entry(title="x\n/etc/passwd\n#EXTINF:1,y", artist="z", location="f.mp3")])
    assert len(read_playlist(text.encode()).entries) == 1
    assert read_playlist(text.encode()).name == "a b"


@pytest.mark.parametrize(
    ("text", "encoding", "artist", "title"),
    [
        ("#EXTINF:200,Band - Wait… Again\r\nBand/Wait… Again.mp3\r\n", "cp1252", "Band", "Wait… Again"),
        ("#EXTINF:200,Škoda - Žena’s\na.mp3", "cp1252", "Škoda", "Žena’s"),
        ("#EXTINF:200,A - B\na.mp3\n", "utf-16", "A", "B"),
        ("#EXTINF:200,A - B\na.mp3\n", "utf-16-le", "A", "B"),
        ("#EXTINF:200,A - B\na.mp3\n", "utf-16-be", "A", "B"),
        ("#EXTENC: windows-1251\n#EXTINF:200,Кино - Кровь\na.mp3\n", "cp1251", "Кино", "Кровь"),
        ("#EXTENC:UTF-8\r\n#EXTINF:200,Кино - Кровь\r\na.mp3\r\n", "utf-8", "Кино", "Кровь"),
        ("#EXTINF:200,Кино - Группа крови\na.mp3\n", "cp1251", "Кино", "Группа крови"),
        ("#EXTINF:200,王菲 - 红豆\na.mp3\n", "gb18030", "王菲", "红豆"),
        ("#EXTINF:200,スピッツ - ロビンソン\na.mp3\n", "shift_jis", "スピッツ", "ロビンソン"),
        ("#EXTINF:200,A\u2028B - C\x0bD\na.mp3\n", "utf-8", "A\u2028B", "C\x0bD"),
    ],
)
def test_encodings_and_line_ends(text: str, encoding: str, artist: str, title: str) -> None:
    (entry,) = read_playlist(text.encode(encoding)).entries
    assert (entry.artist, entry.title) == (artist, title)


def test_other_encodings_are_offered_unless_one_is_certain() -> None:
    mac = "#EXTINF:257,Noël - Éa\ra.m4a".encode("mac_roman")
    assert "Noël" in {listed.entries[0].artist for listed in readings(mac)}
    assert len(list(readings("#EXTINF:1,Noël - A\na.mp3".encode()))) == 1


def test_a_file_whose_name_begins_with_a_number_sign() -> None:
    there = [Entry(title="#41", artist="Ada", location="#41.mp3"), Entry(title="B", location="b.mp3")]
    found = read_playlist(write_m3u("x", there).encode()).entries
    assert [entry.location for entry in found] == ["./#41.mp3", "b.mp3"]
    bare = read_playlist(b"#EXTM3U\n#EXTINF:2,x - y\n#EXTALB:Album\n#1 Crush.mp3\n# a comment.mp3\nb.mp3")
    assert [entry.location for entry in bare.entries] == ["#1 Crush.mp3", "b.mp3"]


@pytest.mark.parametrize(
    ("location", "parts"),
    [
        ("C:\\Music\\A\\1.mp3", ("Music", "A", "1.mp3")),
        ("../a/./b.mp3", ("a", "b.mp3")),
        ("file:///C:/A%20B/1%23.mp3", ("A B", "1#.mp3")),
        ("http://host/a/b.mp3?x=1", ("a", "b.mp3")),
    ],
)
def test_parts_of_a_path(location: str, parts: tuple[str, ...]) -> None:
    assert path_parts(location) == parts


@pytest.mark.parametrize(
    "line",
    [b"#EXTINF:" + b"1" * 900_000, b"#EXTENC:" + b" " * 900_000, b"#" * 900_000],
    ids=["a length", "an encoding", "a comment"],
)
def test_long_lines_take_no_long_time(line: bytes) -> None:
    before = time.process_time()
    with pytest.raises(NotPlaylist):
        read_playlist(line + b"\n")
    read_playlist(line + b"\na.mp3")
    assert time.process_time() - before < 5  # in quadratic time: minutes


def test_encodings_of_host_names_are_none_of_files() -> None:
    for encoding in (b"punycode", b"PUNYCODE", b"idna", b"unicode-escape", b"no_such"):
        assert read_playlist(b"#EXTENC:" + encoding + b"\na-b.mp3\n").entries[0].location == "a-b.mp3"


def test_names_are_bounded_and_have_single_spaces() -> None:
    line = b"#EXTINF:1,Ada" + b" " * 9000 + b"- " + b"o" * 9000 + b"\na.mp3\n"
    (entry,) = read_playlist(line).entries
    assert len(entry.title) + len(entry.artist or "") <= 500
    (entry,) = read_playlist(b"#EXTINF:1,Ada  Ab   -  One\na.mp3\n").entries
    assert (entry.artist, entry.title) == ("Ada Ab", "One")


def test_what_stands_before_the_title() -> None:
    text = (
        '#EXTINF:-1 tvg-id="x" group="a,b",Ada - One\na.mp3\n#EXTINF:3:25,Ada - Two\nb.mp3\n'
        "#EXTINF:123\nAda - Three.mp3\n#EXTINF:,Ada - Four, or Five\nd.mp3\n"
    )
    found = [(e.artist, e.title, e.seconds) for e in read_playlist(text.encode()).entries]
    assert found == [
        ("Ada", "One", None),
        ("Ada", "Two", 205.0),
        ("Ada", "Three", 123.0),
        ("Ada", "Four, or Five", None),
    ]


HOSTILE = {
    "digits": lambda n: b"#EXTINF:" + b"1" * n,
    "colons": lambda n: b"#EXTINF:" + b"1:" * (n // 2),
    "quotes": lambda n: b"#EXTINF:1 " + b'"' * n,
    "attributes": lambda n: b"#EXTINF:1 " + b'a="b" ' * (n // 6),
    "spaces": lambda n: b"#EXTINF:" + b" " * n + b"\n" + b" " * n,
    "spaces before a quote": lambda n: b"#EXTINF:" + b" " * n + b'"\na.mp3',
    "an encoding of host names": lambda n: b"#EXTENC: punycode\n" + b"a" * n + b"-" + b"zaaa" * n,
    "slashes": lambda n: b"/" * n + b".mp3",
    "brackets": lambda n: b"#EXTINF:1," + b"([" * (n // 2) + b"\na.mp3",
    "dashes": lambda n: b"#EXTINF:1," + b" - " * (n // 3) + b"\na.mp3",
    "an open declaration": lambda n: b"<?xml " + b"a" * n,
    "open elements": lambda n: b"<playlist>" + b"<a>" * (n // 3),
    "open comments": lambda n: b"<playlist>" + b"<!--" * (n // 4),
    "attributes without an end": lambda n: b"<playlist>" + b"<a b='c' " * (n // 9),
    "one cell": lambda n: b"title,artist\n" + b'"' * n,
    "percents": lambda n: b"file:///" + b"%41" * (n // 3),
    "bytes of no encoding": lambda n: b"\xe4" * n,
    "lines": lambda n: b"a - b\n" * (n // 6),
}


@pytest.mark.parametrize("made", HOSTILE.values(), ids=HOSTILE)
def test_the_time_grows_with_the_size_and_not_with_its_square(made: Callable[[int], bytes]) -> None:
    def spent(size: int) -> float:
        data, began = made(size), time.process_time()
        with suppress(NotPlaylist):
            read_playlist(data)
        return time.process_time() - began

    small = max(min(spent(32_000) for _ in range(3)), 0.001)
    assert min(spent(512_000) for _ in range(3)) < 100 * small, "16 for the size, 256 for its square"
