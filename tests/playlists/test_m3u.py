"""Playlists as text."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from segue.playlists.m3u import LARGEST, Entry, NotM3u, read_m3u, write_m3u

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
    found = read_m3u(SIMPLE)
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
        read_m3u("#EXTINF:1,Bj\xf6rk - J\xf3ga\r\na.mp3\r\n".encode("latin-1")).entries[0].artist == "Björk"
    )
    assert read_m3u(b"\xef\xbb\xbf#EXTM3U\na.mp3").entries[0].title == "a"


@pytest.mark.parametrize(
    "data", [b"", b"#EXTM3U\n#EXTINF:1,a\n", b"ID3\x00\x00", b"x" * (LARGEST + 1), b"a\n" * 2001]
)
def test_what_is_no_playlist_is_refused(data: bytes) -> None:
    with pytest.raises(NotM3u):
        read_m3u(data)


names = st.text(st.characters(exclude_categories=["C", "Z"]), min_size=1, max_size=20).filter(
    lambda t: "-" not in t
)


@given(
    st.lists(st.builds(Entry, title=names, artist=names, seconds=st.integers(1, 9999).map(float)), min_size=1)
)
def test_what_is_written_is_read(entries: list[Entry]) -> None:
    there = [Entry(title=e.title, artist=e.artist, seconds=e.seconds, location="file.mp3") for e in entries]
    found = read_m3u(write_m3u("My list", there).encode())
    assert found.name == "My list"
    assert list(found.entries) == there


def test_a_title_with_line_ends_stays_one_entry() -> None:
    text = write_m3u("a\nb", [Entry(title="x\n/etc/passwd\n#EXTINF:1,y", artist="z", location="f.mp3")])
    assert len(read_m3u(text.encode()).entries) == 1
    assert read_m3u(text.encode()).name == "a b"
