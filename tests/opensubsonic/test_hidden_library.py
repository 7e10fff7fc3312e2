"""A library for certain accounts: no endpoint gives its songs to anybody else."""

from __future__ import annotations

from typing import Any

import pytest

from segue.catalog.gathering import gather
from segue.catalog.lyrics import lyrics_in
from segue.catalog.track_lyrics import TrackLyrics
from segue.dashboard.opensubsonic import ids
from segue.dashboard.opensubsonic.routes import ANSWERS
from segue.settings import Settings
from segue.storage.store import Store
from tests.opensubsonic.conftest import App, track_id
from tests.opensubsonic.test_answers import CALLS, album_of, artist_of

pytestmark = pytest.mark.integration
HIDDEN = track_id(3, 2)
VISIBLE = track_id(0, 2)
SECRET = ("1999", "311")
"""The names of the hidden library's album and artist."""
CHANGES = {"star", "unstar", "setRating", "scrobble", "reportPlayback", "createBookmark", "deleteBookmark"}
"""Endpoints that change something of a song; each fails for a hidden one."""


@pytest.fixture
def app_settings(settings: Settings) -> Settings:
    """Only Ada sees the library "loud"."""
    library = settings.library.model_copy(update={"accounts": (("loud", ("ADA",)),)})
    return settings.model_copy(update={"library": library})


@pytest.fixture
def library(library: Store) -> Store:
    """The album 1999 is in the hidden library."""
    library.database.tracks.update_many({"album": "1999"}, {"$set": {"library": "loud", "grouped": 0}})
    library.database.tracks.update_many({"_id": HIDDEN}, {"$set": {"cover_id": "cd" * 32}})
    library.database.covers.insert_one({"_id": "cd" * 32, "type": "image/png", "data": b"\x89PNG secret"})
    gather(library)
    words = lyrics_in("words of 1999")
    assert words is not None
    TrackLyrics(library).replace({HIDDEN: [words]})
    return library


def asked(app: App, name: str, parameters: dict[str, Any]) -> str:
    sent = {key: value for key, value in parameters.items() if value is not None}
    text: str = app.web.get(f"/rest/{name}", params=app.parameters(**sent)).text
    for value in sent.values():  # an answer may repeat its parameters
        text = text.replace(str(value), "")
    return text


def test_no_endpoint_gives_a_hidden_song(ada: App, ben: App) -> None:
    hidden = {"ARTIST": ids.artist("311"), "ALBUM": album_of(ada, "1999")["id"]}
    playlist = ada.get("createPlaylist", name="Mixed", songId=[HIDDEN, VISIBLE])["playlist"]
    assert len(playlist["entry"]) == 2
    assert album_of(ada, "1999")["songCount"] == 4
    assert artist_of(ada, "311")["name"] == "311"
    seen = set()
    for name, parameters in CALLS.items():
        for own in ({**parameters, "query": ""}, parameters):
            filled = {key: hidden.get(str(value), value) for key, value in own.items()}
            if "id" in filled and filled["id"] == VISIBLE:
                filled["id"] = HIDDEN
            filled |= {"artist": "311"} if name in ("getTopSongs", "getLyrics") else {}
            filled |= {"title": "1999 2"} if name == "getLyrics" else {}
            filled |= {"size": 500, "count": 500}
            told = asked(ben, name, filled)
            assert not any(secret in told for secret in SECRET), (name, told)
            if any(secret in asked(ada, name, filled) for secret in SECRET):
                seen.add(name)
    assert {"getAlbum", "getAlbumList2", "getArtists", "search3", "getSong", "getGenres"} - seen <= {
        "getGenres"
    }


def test_nothing_can_be_done_with_a_hidden_song(ada: App, ben: App) -> None:
    assert ANSWERS.keys() >= CHANGES
    more = {
        "position": 1,
        "rating": 3,
        "mediaId": HIDDEN,
        "mediaType": "song",
        "positionMs": 0,
        "state": "paused",
    }
    for name in sorted(CHANGES - {"deleteBookmark"}):
        assert ben.fail(name, id=HIDDEN, **more) == 70, name
    assert ben.fail("createPlaylist", name="x", songId=HIDDEN) == 70
    assert ben.fail("savePlayQueue", id=HIDDEN, current=HIDDEN) == 70
    assert ben.fail("createShare", id=HIDDEN) == 70
    for name in ("stream", "download", "getCoverArt"):
        for own in (HIDDEN, "cd" * 32) if name == "getCoverArt" else (HIDDEN,):
            response = ben.web.get(f"/rest/{name}", params=ben.parameters(id=own))
            assert response.json()["subsonic-response"]["error"]["code"] == 70
            assert ada.web.get(f"/rest/{name}", params=ada.parameters(id=own)).content


def test_numbers_do_not_count_hidden_songs(ada: App, ben: App) -> None:
    assert [app.get("getScanStatus")["scanStatus"]["count"] for app in (ada, ben)] == [16, 12]
    folders = [app.get("getMusicFolders")["musicFolders"]["musicFolder"] for app in (ada, ben)]
    assert [[one["name"] for one in found] for found in folders] == [["home", "loud"], ["home"]]
    assert ben.fail("getAlbumList2", type="newest", musicFolderId=2) == 70
    in_loud = ada.get("getAlbumList2", type="newest", musicFolderId=2)["albumList2"]["album"]
    assert [album["name"] for album in in_loud] == ["1999"]
