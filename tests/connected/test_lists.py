"""Catalogues page by page, and playlists that are never lost."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from segue.connected import listing
from segue.connected.client import OpenSubsonic
from segue.connected.faults import ServerAway, ServerFault
from segue.connected.linked_accounts import WrittenList
from segue.connected.written_lists import MARK, write_list
from tests.connected.small_server import USER, SmallServer, as_json, failed, first_then, song, status


def test_a_catalogue_of_several_pages(small: SmallServer, client: OpenSubsonic) -> None:
    small.fill(*(song(number) for number in range(1203)))
    assert len(listing.all_songs(client)) == 1203
    assert small.calls.count("search3") == 4


def test_a_server_that_does_not_search_for_nothing_lists_its_albums(
    small: SmallServer, client: OpenSubsonic
) -> None:
    small.searches = False
    bare = {"id": "bare", "title": "Bare", "albumId": "album-bare", "suffix": "mp3"}
    songs = [song(10 * number) for number in range(999)]
    small.fill(*songs, bare)
    found = {one.song_id: one for one in listing.all_songs(client)}
    assert len(found) == 1000
    assert found["bare"].seconds is None
    assert small.calls.count("getAlbumList2") == 3


def test_a_server_that_begins_again_after_the_last_page(small: SmallServer, client: OpenSubsonic) -> None:
    small.instead["search3"] = as_json(
        {"subsonic-response": {"status": "ok", "searchResult3": {"song": [song(1), song(2)]}}}
    )
    assert [one.song_id for one in listing.all_songs(client)] == ["song-1", "song-2"]


def test_an_error_in_the_middle_gives_no_part_of_a_catalogue(
    small: SmallServer, client: OpenSubsonic
) -> None:
    small.fill(*(song(number) for number in range(700)))
    small.instead["search3"] = first_then(2, lambda request: request.usual(), failed(0))  # type: ignore[attr-defined]
    with pytest.raises(ServerFault):
        listing.all_songs(client)


def test_a_server_without_a_scan_status(small: SmallServer, client: OpenSubsonic) -> None:
    small.instead["getScanStatus"] = failed(50)
    assert listing.scan_status(client).mark is None
    small.instead["getScanStatus"] = status(404)
    assert listing.scan_status(client).mark is None


class Writing:
    """Writes a playlist, and keeps its state as the database does."""

    def __init__(self, client: OpenSubsonic) -> None:
        self.client = client
        self.state: WrittenList = {}

    def write(self, songs: Sequence[str], *, name: str = "For you") -> None:
        write_list(self.client, user=USER, name=name, song_ids=songs, before=self.state, note=self._note)

    def _note(self, state: WrittenList) -> None:
        self.state = {**self.state, **state}


@pytest.fixture
def writing(client: OpenSubsonic) -> Writing:
    return Writing(client)


FIRST = [f"song-{number}" for number in range(120)]
SECOND = [f"song-{number}" for number in range(300, 170, -1)]


def only(small: SmallServer) -> dict[str, Any]:
    [made] = small.playlists.values()
    return made


def test_a_list_is_made_and_changed_in_one_request(small: SmallServer, writing: Writing) -> None:
    writing.write(FIRST)
    assert (only(small)["songs"], only(small)["name"], only(small)["comment"]) == (FIRST, "For you", MARK)
    small.calls.clear()
    writing.write(SECOND)
    assert only(small)["songs"] == SECOND
    assert small.calls.count("createPlaylist") == 1
    assert "updatePlaylist" not in small.calls


def test_a_list_that_has_not_changed_is_not_written(small: SmallServer, writing: Writing) -> None:
    writing.write(FIRST)
    small.calls.clear()
    writing.write(FIRST)
    writing.write([])
    assert small.calls == []


@pytest.mark.parametrize("adds", [False, True])
@pytest.mark.parametrize("forms", [False, True])
def test_servers_of_every_kind_get_all_songs_in_order(
    small: SmallServer, writing: Writing, adds: bool, forms: bool
) -> None:
    small.longest_address, small.adds, small.forms = 2000, adds, forms
    writing.write(FIRST)
    writing.write(SECOND)
    assert only(small)["songs"] == SECOND


@pytest.mark.parametrize("forms", [False, True])
@pytest.mark.parametrize("good", range(6))
def test_a_failed_write_leaves_the_former_list(
    small: SmallServer, writing: Writing, good: int, forms: bool
) -> None:
    """Whichever write fails, the list is never shorter than both, and is completed later."""
    small.longest_address, small.forms = 2000, forms
    writing.write(FIRST)
    for endpoint in ("createPlaylist", "updatePlaylist"):
        small.instead[endpoint] = first_then(good, lambda request: request.usual(), status(500))  # type: ignore[attr-defined]
    try:
        writing.write(SECOND)
    except ServerAway:
        assert len(only(small)["songs"]) >= min(len(FIRST), len(SECOND))
        assert only(small)["songs"][: len(FIRST)] == FIRST or SECOND[-1] in only(small)["songs"]
    small.instead.clear()
    writing.write(SECOND)
    assert only(small)["songs"] == SECOND


def test_a_list_whose_creation_was_interrupted_is_found_again(small: SmallServer, writing: Writing) -> None:
    def made_without_answer(request: Any) -> None:
        small.answer("createPlaylist", request.given)
        status(500)(request)

    small.instead["createPlaylist"] = made_without_answer
    with pytest.raises(ServerAway):
        writing.write(FIRST)
    small.instead.clear()
    writing.write(FIRST)
    assert only(small)["songs"] == FIRST


def test_lists_of_others_stay_as_they_are(small: SmallServer, writing: Writing) -> None:
    own = {"id": "own", "name": "For you", "owner": USER, "comment": "mine", "songs": ["song-1"]}
    other = {"id": "other", "name": "For you", "owner": "ben", "comment": MARK, "songs": ["song-2"]}
    small.playlists = {"own": dict(own), "other": dict(other)}
    writing.write(FIRST)
    writing.write(SECOND)
    assert small.playlists["own"] == own
    assert small.playlists["other"] == other
    [made] = [one for key, one in small.playlists.items() if key not in ("own", "other")]
    assert (made["name"], made["songs"]) == ("For you (Segue)", SECOND)


def test_a_list_that_is_gone_comes_back(small: SmallServer, writing: Writing) -> None:
    writing.write(FIRST)
    small.playlists.clear()
    writing.write(SECOND)
    assert only(small)["songs"] == SECOND
