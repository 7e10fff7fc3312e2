"""Playlists are written in three formats, and read back with the same songs."""

from __future__ import annotations

import json
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from segue.playlists.entries import Entry, path_parts
from segue.playlists.m3u import read_playlist
from segue.playlists.written import FORMATS

TEXT = st.text(min_size=1, max_size=40).map(lambda text: " ".join(text.split())).filter(bool)
WORDS = st.text("abcÄß東é&<>\"'%#;", min_size=1, max_size=20)


@pytest.mark.parametrize("suffix", FORMATS)
@given(titles=st.lists(WORDS, min_size=1, max_size=5), artist=WORDS, name=WORDS)
def test_songs_read_back(suffix: str, titles: list[str], artist: str, name: str) -> None:
    songs = [
        Entry(title=title, artist=artist, seconds=61.0, location=f"{number} ü&%#.mp3")
        for number, title in enumerate(titles)
    ]
    found = read_playlist(FORMATS[suffix].write(name, songs).encode())
    assert found.name == name
    assert [(one.title, one.artist, one.seconds) for one in found.entries] == [
        (one.title, one.artist, one.seconds) for one in songs
    ]
    assert [path_parts(one.location) for one in found.entries] == [(one.location,) for one in songs]


@given(title=TEXT, artist=TEXT)
def test_any_text_makes_a_file_that_other_programs_read(title: str, artist: str) -> None:
    songs = [Entry(title=title, artist=artist, location="a b.mp3")]
    root = ElementTree.fromstring(FORMATS["xspf"].write("x", songs))
    assert root.tag == "{http://xspf.org/ns/0/}playlist"
    (track,) = json.loads(FORMATS["jspf"].write("x", songs))["playlist"]["track"]
    assert (track["title"], track["location"]) == (title, ["a%20b.mp3"])
