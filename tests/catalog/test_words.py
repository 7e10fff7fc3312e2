"""The index of the catalogue's words."""

from __future__ import annotations

import pytest

from segue.catalog.track_records import Searchable
from segue.catalog.words import index_tracks, words

SONGS = [
    Searchable(track_id="a", title="Hoppípolla", artist="Sigur Rós", album="Takk...", genres=["Post-Rock"]),
    Searchable(
        track_id="b", title="Barometer", artist="Subtropic Unit", album="Pressure", genres=["Drum and Bass"]
    ),
    Searchable(track_id="c", title="Don't Stop", artist="The Barometers", genres=["Rock"]),
    Searchable(track_id="d", title="Under Pressure", artist="Queen", album="Hot Space", genres=["Rock"]),
    Searchable(track_id="e", title="夜に駆ける", artist="YOASOBI"),
]
INDEX = index_tracks(SONGS)


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("hoppipolla", ["a"]),
        ("HOPPÍ", ["a"]),
        ("sigur ros takk", ["a"]),
        ("barometer", ["b", "c"]),
        ("baromter", ["b", "c"]),
        ("baroemter", ["b", "c"]),
        ("presure", ["d", "b"]),
        ("pressure queen", ["d"]),
        ("dont stop", ["c"]),
        ("Don’t", ["c"]),
        ("post-rock", ["a"]),
        ("rock", ["a", "c", "d"]),
        ("夜に", ["e"]),
        ("zzzzzz", []),
        ("quen xyz", []),
        ("", []),
        ("  ... ", []),
    ],
)
def test_words_and_typos(query: str, found: list[str]) -> None:
    assert INDEX.search(query) == found


def test_a_title_goes_before_an_album_and_an_exact_word_before_a_slip() -> None:
    index = index_tracks(
        [
            Searchable(track_id="slip", title="Stars"),
            Searchable(track_id="album", title="x", album="Stairs"),
            Searchable(track_id="title", title="Stairs"),
        ]
    )
    assert index.search("stairs") == ["title", "album", "slip"]


def test_tags_are_looked_in_last() -> None:
    index = index_tracks(
        [
            Searchable(track_id="tag", title="x", tags=["Lo-Fi", "rainy"]),
            Searchable(track_id="title", title="Rainy"),
        ]
    )
    assert index.search("rany") == ["title", "tag"]


def test_short_words_take_no_slips() -> None:
    assert index_tracks([Searchable(track_id="a", title="cat")]).search("cut") == []


def test_an_empty_catalogue_finds_nothing() -> None:
    assert index_tracks([]).search("anything") == []


def test_words_have_no_accents_and_no_case() -> None:
    assert words("Ça ira, Sigur RÓS' 2nd") == ["ca", "ira", "sigur", "ros", "2nd"]
