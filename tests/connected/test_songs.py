"""Songs in answers of any quality, the units of their lengths, and which of them are the same."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from segue.catalog.track import UNKNOWN_ARTIST
from segue.connected.known_songs import Known
from segue.connected.matching import Facts, is_same_song, recognised, same_ids
from segue.connected.remote_songs import RemoteSong, in_seconds, song_of, songs_of
from tests.connected.small_server import song

_ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(), max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
_FIELDS = (
    "id", "title", "artist", "artists", "displayArtist", "album", "albumArtists", "path", "suffix",
    "contentType", "duration", "size", "bitRate", "track", "discNumber", "year", "genre", "genres",
    "musicBrainzId", "coverArt", "created", "isDir", "isVideo",
)  # fmt: skip


@given(st.dictionaries(st.sampled_from(_FIELDS), _ANYTHING))
def test_any_entry_is_a_song_that_can_be_stored_or_none(entry: dict[str, Any]) -> None:
    found = song_of(entry)
    if found is None:
        return
    assert found.song_id
    for text in (found.title, found.artist, found.album or "", found.path, found.suffix, *found.genres):
        assert text.encode("utf-8").decode("utf-8") == text
        assert "\0" not in text
    assert found.seconds is None or found.seconds > 0
    assert len(found.digest) == 32


@given(st.lists(_ANYTHING, max_size=5) | _ANYTHING)
def test_any_list_is_a_list_of_songs(found: object) -> None:
    assert all(isinstance(one, RemoteSong) for one in songs_of(found))


def test_missing_fields_have_stand_ins() -> None:
    found = song_of({"id": 21, "path": "a/Name of the file.flac"})
    assert found is not None
    assert (found.song_id, found.title, found.artist, found.suffix) == (
        "21",
        "Name of the file",
        UNKNOWN_ARTIST,
        "flac",
    )
    assert found.seconds is None


@pytest.mark.parametrize(
    "entry", [{}, {"id": ""}, {"id": None}, {"id": "1", "isDir": True}, {"id": "1", "isVideo": True}]
)
def test_what_is_no_song(entry: dict[str, Any]) -> None:
    assert song_of(entry) is None


def test_lengths_in_milliseconds_are_told_by_size_and_bit_rate() -> None:
    right = songs_of([song(number) for number in range(10)])
    wrong = songs_of([song(number, duration=1000 * (200 + number)) for number in range(10)])
    assert [one.seconds for one in in_seconds(right)] == [200.0 + number for number in range(10)]
    assert [one.seconds for one in in_seconds(wrong)] == [200.0 + number for number in range(10)]


def test_the_unit_of_most_songs_is_that_of_a_song_without_a_bit_rate() -> None:
    songs = songs_of(
        [*(song(n, duration=1000 * (200 + n)) for n in range(5)), {"id": "x", "duration": 180_000}]
    )
    assert in_seconds(songs)[-1].seconds == 180.0
    assert in_seconds(songs_of([{"id": "x", "duration": 180}, {"id": "y", "duration": 180_000}])) == songs_of(
        [{"id": "x", "duration": 180}, {"id": "y", "duration": 180}]
    )


def facts(key: str, **changes: Any) -> Facts:
    usual: dict[str, Any] = {
        "title": "Finale",
        "artist": "Lumen",
        "album": "X",
        "seconds": 210.0,
        "path": "",
        "recording": None,
    }
    return Facts(key=key, **{**usual, **changes})


@pytest.mark.parametrize(
    "changes",
    [
        {"title": "Other", "artist": "Other", "album": "Other", "recording": "r1"},
        {"title": "Other", "album": "Y", "path": "Lumen/X/01 Finale.flac"},
        {"seconds": None},
        {"album": "Y", "seconds": 211.0},
        {"seconds": 210_000.0},
        {"title": "FINALE (feat. Mira)", "seconds": 209.0},
    ],
)
def test_a_song_is_recognised(changes: dict[str, Any]) -> None:
    ours = facts("ours", recording="r1", path="/music/Lumen/X/01 Finale.flac")
    assert recognised([facts("theirs", **changes)], [ours]) == {"theirs": "ours"}


@pytest.mark.parametrize(
    "changes",
    [
        {"album": "Y", "seconds": 385.0},
        {"title": "Finale (Live)", "seconds": 385.0},
        {"artist": "Someone Else", "album": "Z"},
        {"album": "Y", "seconds": None},
        {"artist": UNKNOWN_ARTIST, "album": ""},
        {"path": "Other/Y/01 Finale.flac", "title": "Other", "album": "Y"},
    ],
)
def test_another_song_is_not(changes: dict[str, Any]) -> None:
    ours = facts("ours", path="/music/Lumen/X/01 Finale.flac")
    assert recognised([facts("theirs", **changes)], [ours]) == {}


def test_each_song_is_one_track_at_most() -> None:
    theirs = [facts("a", path="L/X/01.flac"), facts("b", path="L/X/02.flac"), facts("c", album="Y")]
    ours = [facts("1", path="/m/L/X/02.flac"), facts("2", path="/m/L/X/01.flac")]
    assert recognised(theirs, ours) == {"a": "2", "b": "1"}


def test_of_equal_recordings_none_is_chosen_by_the_recording_alone() -> None:
    ours = [facts("1", recording="r", album="A"), facts("2", recording="r", album="B")]
    assert recognised([facts("x", recording="r", album="C")], ours) == {}
    assert recognised([facts("x", recording="r", album="B")], ours) == {"x": "2"}


def test_an_id_that_now_is_another_song() -> None:
    before, now = songs_of([song(1), song(1, title="New", artist="New", album="New", path="n/n.flac")])
    assert not is_same_song(before, now)
    assert is_same_song(before, songs_of([song(1, path="moved/x.flac")])[0])
    assert is_same_song(before, songs_of([song(1, title="Retagged")])[0])


def test_ids_that_are_given_anew_by_a_server_without_paths() -> None:
    """The lengths of many songs are the same; then the names tell that an id is another song's."""

    def known(songs: list[RemoteSong]) -> dict[str, Known]:
        return {one.song_id: Known(song=one, track_id=one.song_id, own=True, digest="") for one in songs}

    def listed(*titles: tuple[int, str]) -> dict[str, RemoteSong]:
        entries = (song(own, title=title, path=None, duration=200) for own, title in titles)
        return {one.song_id: one for entry in entries for one in songs_of([entry])}

    before = known(list(listed((1, "One"), (2, "Two"), (3, "Three"), (4, "Three")).values()))
    ids = list(before)
    assert same_ids(listed((1, "Two"), (2, "Three"), (3, "One")), before) == set(), "another order"
    assert same_ids(listed((1, "Two")), before) == set(), "the others are gone"
    assert same_ids(listed((1, "New"), (5, "One")), before) == set(), "it has moved"
    assert same_ids(listed((1, "Retagged")), before) == {ids[0]}
    assert same_ids(listed((3, "Retagged"), (4, "Three")), before) == set(ids[2:]), "a copy stays as it was"
