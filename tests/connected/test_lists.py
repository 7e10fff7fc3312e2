"""Catalogues page by page, and playlists that are never lost."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import pytest

from segue.connected import listing
from segue.connected.client import OpenSubsonic
from segue.connected.faults import ServerAway, ServerFault, UnexpectedAnswer
from segue.connected.linked_accounts import WrittenList
from segue.connected.written_lists import MARK, MOST, write_list
from tests.connected.small_server import USER, Refused, SmallServer, as_json, failed, first_then, song, status


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


@pytest.mark.parametrize("gone", [False, True])
def test_albums_without_end_are_given_up(
    small: SmallServer, client: OpenSubsonic, monkeypatch: pytest.MonkeyPatch, gone: bool
) -> None:
    """Each page has another album, and no album has a song."""
    monkeypatch.setattr(listing, "MOST_SONGS", 50)
    small.searches = False
    numbers = iter(range(1_000_000))

    def another(request: Any) -> None:
        album = {"id": f"album-{next(numbers)}"}
        as_json({"subsonic-response": {"status": "ok", "albumList2": {"album": album}}})(request)

    small.instead["getAlbumList2"] = another
    if gone:
        small.instead["getAlbum"] = failed(70)
    with pytest.raises(UnexpectedAnswer, match="more than 50 albums"):
        listing.all_songs(client)


@pytest.mark.parametrize("searches", [False, True])
def test_a_list_that_takes_hours_is_given_up(
    small: SmallServer, client: OpenSubsonic, searches: bool
) -> None:
    """A page has one song; the time of each is short enough."""
    small.searches, at = searches, [0.0]
    small.fill(*(song(10 * number) for number in range(100)))
    usual = small.answer

    def slowly(endpoint: str, given: dict[str, list[str]]) -> dict[str, Any]:
        at[0] += listing.LONGEST_SECONDS / 20
        return usual(endpoint, {**given, "songCount": ["1"]})

    small.answer = slowly  # type: ignore[method-assign]
    with pytest.raises(ServerAway, match="too slow"):
        listing.all_songs(client, clock=lambda: at[0])
    assert len(small.calls) < 60


@pytest.mark.parametrize("last", ["\ud800", "x" * 20_000_000, "today"], ids=["surrogate", "long", "usual"])
def test_the_mark_of_a_scan_can_be_stored(small: SmallServer, client: OpenSubsonic, last: str) -> None:
    small.mark = last
    mark = listing.scan_status(client).mark
    assert mark is not None
    assert len(mark.encode()) == 32
    small.fill(song(1))
    assert listing.scan_status(client).mark != mark


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


@pytest.mark.parametrize(
    "changes", [{"name": "Mine"}, {"owner": "ben", "comment": MARK}], ids=["name", "owner"]
)
def test_another_list_that_has_the_id_of_ours_is_not_changed(
    small: SmallServer, writing: Writing, changes: dict[str, Any]
) -> None:
    """Servers number their lists, and begin again when they were wiped."""
    writing.write(FIRST)
    [own] = small.playlists
    theirs = {"id": own, "name": "For you", "owner": USER, "comment": "", "songs": ["song-7"], **changes}
    small.playlists = {own: dict(theirs)}
    writing.write(SECOND)
    assert small.playlists.pop(own) == theirs
    assert (only(small)["songs"], only(small)["comment"]) == (SECOND, MARK)


def test_a_renamed_list_is_still_ours(small: SmallServer, writing: Writing) -> None:
    writing.write(FIRST)
    only(small)["name"] = "Segue's"
    writing.write(SECOND)
    assert only(small)["songs"] == SECOND


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


@pytest.mark.parametrize("code", [200, 500])
def test_a_list_whose_creation_was_interrupted_is_found_again_by_other_songs(
    small: SmallServer, writing: Writing, code: int
) -> None:
    """The plan has changed by the next attempt."""

    def made_without_answer(request: Any) -> None:
        small.answer("createPlaylist", request.given)
        status(code, body=b"")(request)

    small.instead["createPlaylist"] = made_without_answer
    small.instead["updatePlaylist"] = status(500)
    with suppress(ServerFault):
        writing.write(FIRST[:10])
    small.instead.clear()
    writing.write(SECOND)
    writing.write(FIRST)
    assert (only(small)["songs"], only(small)["name"]) == (FIRST, "For you")


def test_a_server_that_limits_requests_lets_no_list_grow_without_end(
    small: SmallServer, writing: Writing
) -> None:
    """It takes no long requests, and one change at a time."""
    small.longest_address, small.forms = 2000, False
    writing.write(FIRST)
    for _ in range(30):
        small.instead["updatePlaylist"] = first_then(1, lambda request: request.usual(), status(429))  # type: ignore[attr-defined]
        with pytest.raises(ServerAway):
            writing.write(SECOND)
        assert len(only(small)["songs"]) <= MOST + 20
    small.instead.clear()
    writing.write(SECOND)
    assert only(small)["songs"] == SECOND


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


def test_songs_that_the_account_may_not_hear_are_left_out(small: SmallServer, writing: Writing) -> None:
    """A server with several libraries drops songs hidden from the account; the list counts as written."""
    unseen = {FIRST[3], FIRST[40], FIRST[-1]}
    usual = small.answer

    def without(endpoint: str, given: dict[str, list[str]]) -> dict[str, Any]:
        seen = {name: [value for value in values if value not in unseen] for name, values in given.items()}
        return usual(endpoint, seen)

    small.answer = without  # type: ignore[method-assign]
    writing.write(FIRST)
    assert only(small)["songs"] == [one for one in FIRST if one not in unseen]
    small.calls.clear()
    writing.write(FIRST)
    assert small.calls == [], "it is not written again and again"


def test_a_server_that_takes_only_the_first_songs_gets_the_others_afterwards(
    small: SmallServer, writing: Writing
) -> None:
    usual = small.answer

    def first_hundred(endpoint: str, given: dict[str, list[str]]) -> dict[str, Any]:
        return usual(endpoint, {name: values[:100] for name, values in given.items()})

    small.answer = first_hundred  # type: ignore[method-assign]
    writing.write(FIRST)
    assert only(small)["songs"] == FIRST


def test_a_list_that_the_server_empties_is_no_success(small: SmallServer, writing: Writing) -> None:
    usual = small.answer

    def empties(endpoint: str, given: dict[str, list[str]]) -> dict[str, Any]:
        return usual(endpoint, {**given, "songId": [], "songIdToAdd": []})

    small.answer = empties  # type: ignore[method-assign]
    with pytest.raises(UnexpectedAnswer):
        writing.write(FIRST)


def test_a_list_of_another_account_is_not_taken_for_ones_own(small: SmallServer, writing: Writing) -> None:
    """An administrator sees the lists of all; Segue has made one for another listener, too."""
    theirs = {"id": "theirs", "name": "For you", "owner": "ben", "comment": MARK, "songs": ["song-1"]}
    small.playlists["theirs"] = dict(theirs)
    writing.write(FIRST)
    assert small.playlists["theirs"] == theirs
    assert len(small.playlists) == 2


@pytest.mark.parametrize("refused", [None, 70, 0])
@pytest.mark.parametrize("forms", [False, True])
@pytest.mark.parametrize("adds", [False, True])
def test_a_song_that_the_server_does_not_take_lets_no_list_grow(
    small: SmallServer, writing: Writing, forms: bool, adds: bool, refused: int | None
) -> None:
    """It has lost the song, and leaves it out or refuses the whole request; it may take no long requests."""
    small.longest_address, small.forms, small.adds = 2000, forms, adds
    usual, lost = small.answer, {SECOND[30], SECOND[-1]}
    small.fill(*(song(number) for number in range(301) if f"song-{number}" not in lost))

    def without(endpoint: str, given: dict[str, list[str]]) -> dict[str, Any]:
        sent = [*given.get("songId", ()), *given.get("songIdToAdd", ())]
        if refused is not None and lost & set(sent):
            raise Refused(refused)
        adds_songs = ("songId", "songIdToAdd")
        left = {
            name: [one for one in values if one not in lost] if name in adds_songs else values
            for name, values in given.items()
        }
        return usual(endpoint, left)

    small.answer = without  # type: ignore[method-assign]
    writing.write(FIRST)
    for _ in range(3):
        with suppress(ServerFault):
            writing.write(SECOND)
    assert only(small)["songs"] == [one for one in SECOND if one not in lost]


@pytest.mark.parametrize("code", [0, 50])
def test_a_list_that_the_server_does_not_let_grow_stays_as_it_was(
    small: SmallServer, writing: Writing, code: int
) -> None:
    """It takes no long requests, and refuses every addition after the first."""
    small.longest_address, small.forms = 2000, False
    writing.write(FIRST)
    usual, additions = small.answer, iter(range(1000))

    def refuses(endpoint: str, given: dict[str, list[str]]) -> dict[str, Any]:
        if "songIdToAdd" in given and next(additions) % 2:
            raise Refused(code)
        return usual(endpoint, given)

    small.answer = refuses  # type: ignore[method-assign]
    for _ in range(3):
        with pytest.raises(ServerFault):
            writing.write(SECOND)
        assert only(small)["songs"] == FIRST
