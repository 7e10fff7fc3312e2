"""The tracks that songs of other services mean."""

from __future__ import annotations

import pytest

from segue.imports.play import Song
from segue.imports.songs import Match
from tests.imports.library import library, track

R1, R2 = "11111111-1111-4111-8111-111111111111", "22222222-2222-4222-8222-222222222222"
NORTH = track("north", "North Side", recording=R1)


@pytest.mark.parametrize(
    "title", ["North Side", "NORTH SIDE", "North Side - Remastered 2011", "North Side (feat. M)"]
)
def test_spellings_do_not_matter(title: str) -> None:
    assert library(NORTH).match(Song(title=title, artist="vela")) == Match("north")


@pytest.mark.parametrize("title", ["North Side (Live)", "North Side 2", "South Side"])
def test_another_version_is_another_song(title: str) -> None:
    assert library(NORTH).match(Song(title=title, artist="Vela")) == Match(None)


def test_an_id_precedes_names_and_the_players_precedes_the_services() -> None:
    other = track("other", "Anything", recording=R2)
    found = library(NORTH, other)
    assert found.match(Song(title="North Side", artist="Vela", recordings=(R2,))) == Match("other")
    assert found.match(Song(title="x", artist="y", recordings=(R1, R2))) == Match("north")
    unknown = "33333333-3333-4333-8333-333333333333"
    assert found.match(Song(title="x", artist="y", recordings=(unknown, R2))) == Match("other")
    assert found.match(Song(title="North Side", artist="Vela", recordings=(unknown,))) == Match("north")


def test_album_and_length_decide_between_songs_of_one_name() -> None:
    studio = track("studio", "Finale", album="X", seconds=210)
    live = track("live", "Finale", album="Y", seconds=385)
    found = library(studio, live)
    assert found.match(Song(title="Finale", artist="Vela", seconds=384)) == Match("live")
    assert found.match(Song(title="Finale", artist="Vela", album="X")) == Match("studio")
    assert found.match(Song(title="Finale", artist="Vela")) == Match(None, ambiguous=True)


def test_the_id_of_a_track_is_enough_unless_the_title_is_another() -> None:
    assert library(NORTH).match(Song(title="", track_id="north")) == Match("north")
    assert library(NORTH).match(Song(title="South", artist="Vela", track_id="north")) == Match(None)


def test_a_song_without_names_and_an_unknown_address_has_no_track() -> None:
    assert library(NORTH, track("nameless", "")).match(Song(title="", uri="spotify:track:1")) == Match(None)
