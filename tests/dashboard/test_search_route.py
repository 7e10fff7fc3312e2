"""The search over songs, artists, albums and playlists by its route."""

from __future__ import annotations

from typing import Any

import pytest
from pymongo.database import Database
from starlette.testclient import TestClient

from segue.catalog.gathering import gather
from segue.catalog.search import matching
from segue.storage.mongo import Document
from segue.storage.store import Store
from tests.dashboard.conftest import Enter


@pytest.fixture
def grouped(library: Database[Document]) -> Database[Document]:
    """The library, with albums: t1 and t2 are on "Nocturnes", t3 on "Morning"."""
    for track_id, album in (("t1", "Nocturnes"), ("t2", "Nocturnes"), ("t3", "Morning")):
        details = {"album_artists": ["Sigur Rós"], "artists": ["Sigur Rós"]}
        library.tracks.update_one({"_id": track_id}, {"$set": {"album": album, "details": details}})
    library.tracks.update_many({}, {"$set": {"library": "home"}})
    gather(Store(library))
    return library


def found(client: TestClient, query: str, **other: str) -> dict[str, Any]:
    answer = client.get("/api/search", params={"q": query, **other})
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def test_typos_are_tolerated_in_songs(enter: Enter, library: Database[Document]) -> None:
    client = enter()
    assert [song["title"] for song in found(client, "artst 3")["songs"]] == ["Song <3>"]
    nothing = found(client, "nothing like it")
    assert nothing == {"songs": [], "total": 0, "artists": [], "albums": [], "playlists": []}
    assert found(client, " ") == nothing


def test_the_first_letters_find_artists_albums_and_playlists(
    enter: Enter, grouped: Database[Document]
) -> None:
    client = enter()
    client.post("/api/playlists", json={"name": "Sigh and Rest", "tracks": ["t1"]})
    enter().post("/api/playlists", json={"name": "Sigh of another", "tracks": ["t1"]})
    result = found(client, "sig")
    assert [artist["name"] for artist in result["artists"]] == ["Sigur Rós"]
    assert {album["name"] for album in result["albums"]} == {"Nocturnes", "Morning"}
    assert [(one["name"], one["tracks"]) for one in result["playlists"]] == [("Sigh and Rest", 1)]
    (album,) = found(client, "nocturn")["albums"]
    assert (album["name"], album["artist"]) == ("Nocturnes", "Sigur Rós")
    assert [artist["name"] for artist in found(client, "sigurr ros")["artists"]] == ["Sigur Rós"]


def test_an_artist_with_a_slip_and_an_album_with_its_songs(enter: Enter, library: Database[Document]) -> None:
    odd = {"artist": "A & B", "album": "Odd *Album*"}
    library.tracks.update_many({"_id": {"$in": ["t1", "t2"]}}, {"$set": odd})
    library.tracks.update_many({}, {"$set": {"library": "home"}})
    library.tracks.update_one({"_id": "t3"}, {"$set": {"details": {"artists": ["Sigur Rós"]}}})
    gather(Store(library))
    client = enter()
    result = found(client, "sigr ros")
    assert [artist["name"] for artist in result["artists"]] == ["Sigur Rós"]
    assert (result["albums"], result["songs"]) == ([], [])
    result = found(client, "odd")
    assert [album["name"] for album in result["albums"]] == ["Odd *Album*"]
    assert result["artists"] == []
    assert [song["title"] for song in result["songs"]] == ["Song <1>", "Song <2>"]


def test_a_cut_list_states_the_number_of_all(enter: Enter, library: Database[Document]) -> None:
    client = enter()
    result = found(client, "song", songs="2")
    assert (len(result["songs"]), result["total"]) == (2, 5)
    assert len(found(client, "song", songs="4")["songs"]) == 4


@pytest.mark.parametrize(
    "asked", [{"q": "x" * 201}, {"q": "x", "songs": "many"}, {"q": "x", "songs": "-1"}, {"songs": "²"}]
)
def test_parameters_are_checked(enter: Enter, library: Database[Document], asked: dict[str, str]) -> None:
    client = enter()
    assert client.get("/api/search", params=asked).status_code == 400
    client.cookies.clear()
    assert client.get("/api/search", params={"q": "x"}).status_code == 401


def test_names_that_match() -> None:
    assert matching("even", ["Morning", "Seven", "Evening"]) == [2, 1]
    assert matching("", ["Morning"]) == []
    assert matching("x", []) == []
