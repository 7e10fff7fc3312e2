"""Every endpoint answers in the published shape, as JSON and as XML."""

from __future__ import annotations

from typing import Any
from xml.etree import ElementTree

import pytest
from starlette.testclient import TestClient

from segue.dashboard.opensubsonic import ids
from segue.dashboard.opensubsonic.routes import ANSWERS, NAMES
from segue.storage.store import Store
from tests.opensubsonic import schemas
from tests.opensubsonic.conftest import COVER, App, track_id

SONG = track_id(0, 2)
ARTIST = ids.artist("example")
CALLS: dict[str, dict[str, Any]] = {
    "ping": {},
    "getLicense": {},
    "tokenInfo": {},
    "getScanStatus": {},
    "getMusicFolders": {},
    "getArtists": {},
    "getIndexes": {},
    "getArtist": {"id": "ARTIST"},
    "getAlbum": {"id": "ALBUM"},
    "getSong": {"id": SONG},
    "getMusicDirectory": {"id": "ALBUM"},
    "getGenres": {},
    "getArtistInfo": {"id": "ARTIST"},
    "getArtistInfo2": {"id": "ARTIST"},
    "getAlbumInfo": {"id": "ALBUM"},
    "getAlbumInfo2": {"id": "ALBUM"},
    "getAlbumList": {"type": "newest"},
    "getAlbumList2": {"type": "newest"},
    "getSongsByGenre": {"genre": "Folk"},
    "getStarred": {},
    "getStarred2": {},
    "getNowPlaying": {},
    "getRandomSongs": {},
    "getSimilarSongs": {"id": SONG},
    "getSimilarSongs2": {"id": "ARTIST"},
    "getTopSongs": {"artist": "The Example"},
    "getSonicSimilarTracks": {"id": SONG},
    "findSonicPath": {"startSongId": SONG, "endSongId": track_id(3, 2)},
    "search": {"title": "Intro"},
    "search2": {"query": "Intro"},
    "search3": {"query": "Intro"},
    "getPlaylists": {},
    "getPlaylist": {"id": "made-for-you"},
    "getPlayQueue": {},
    "getPlayQueueByIndex": {},
    "getBookmarks": {},
    "getShares": {},
    "getLyrics": {"artist": "The Example", "title": "Intro"},
    "getLyricsBySongId": {"id": SONG},
    "getUser": {},
    "getVideos": {},
    "getPodcasts": {},
    "getNewestPodcasts": {},
    "getInternetRadioStations": {},
    "getChatMessages": {},
}


def album_of(app: App, name: str) -> dict[str, Any]:
    albums = app.get("getAlbumList2", type="alphabeticalByName")["albumList2"]["album"]
    return next(album for album in albums if album["name"] == name)


def artist_of(app: App, name: str) -> dict[str, Any]:
    found = app.get("getArtists")["artists"]["index"]
    return next(artist for index in found for artist in index["artist"] if artist["name"] == name)


def filled(app: App, parameters: dict[str, Any]) -> dict[str, Any]:
    found = {
        "ARTIST": lambda: artist_of(app, "The Example")["id"],
        "ALBUM": lambda: album_of(app, "1999")["id"],
    }
    return {
        name: found[value]() if isinstance(value, str) and value in found else value
        for name, value in parameters.items()
    }


def test_all_published_endpoints_are_there() -> None:
    # `hls.m3u8` is a name with an ending, and `getAvatar` and the like have no JSON.
    assert schemas.described() <= NAMES


@pytest.mark.integration
def test_every_answer_has_the_published_shape(ada: App) -> None:
    for name, parameters in CALLS.items():
        assert ada.get(name, **filled(ada, parameters))["status"] == "ok"


@pytest.mark.integration
def test_every_answer_is_complete_in_xml(ada: App) -> None:
    for name, parameters in CALLS.items():
        wanted = filled(ada, parameters)
        content = ada.get(name, **wanted)
        response = ada.web.get(f"/rest/{name}.view", params=ada.parameters(**{**wanted, "f": "xml"}))
        root = ElementTree.fromstring(response.content)
        assert root.tag == "{http://subsonic.org/restapi}subsonic-response"
        if name != "getRandomSongs":
            assert _counted(root) == _expected(content), name


@pytest.mark.integration
def test_information_has_its_texts_as_elements_in_xml(ada: App, library: Store) -> None:
    """Attributes there are unknown to apps: they showed nothing."""
    number = "00000000-0000-4000-8000-000000000001"
    album, artist = album_of(ada, "First Light")["id"], artist_of(ada, "The Example")["id"]
    library.database.albums.update_many({}, {"$set": {"release": number}})
    library.database.artists.update_many({}, {"$set": {"artist_id": number}})
    for name, field, own in (
        ("getAlbumInfo", "albumInfo", album),
        ("getAlbumInfo2", "albumInfo", album),
        ("getArtistInfo", "artistInfo", artist),
        ("getArtistInfo2", "artistInfo2", artist),
    ):
        response = ada.web.get(f"/rest/{name}.view", params=ada.parameters(id=own, f="xml"))
        assert response.headers["content-type"].startswith("text/xml")
        info = ElementTree.fromstring(response.content).find(f"{{*}}{field}")
        assert info is not None
        assert info.attrib == {}
        assert info.findtext("{*}musicBrainzId") == number, name
        similar = info.findall("{*}similarArtist")
        assert all(one.get("id") and one.get("name") for one in similar)
        assert len(similar) == len(ada.get(name, id=own)[field].get("similarArtist", ()))


@pytest.mark.integration
def test_an_answer_in_place_of_a_file_has_the_type_by_which_apps_know_it(ada: App) -> None:
    for name in ("stream", "download", "getCoverArt", "getAvatar", "hls.m3u8"):
        response = ada.web.get(f"/rest/{name}", params=ada.parameters(id="nope", username="Ada", f="xml"))
        assert response.headers["content-type"].startswith("text/xml"), name
        assert 'code="70"' in response.text, name


def _counted(element: ElementTree.Element) -> int:
    """The number of elements below one."""
    return sum(1 + _counted(child) for child in element)


def _expected(value: Any) -> int:
    """The number of elements that JSON content becomes."""
    if isinstance(value, dict):
        return sum(
            1 + _expected(one) if isinstance(one, dict) else _expected(one)
            for one in value.values()
            if isinstance(one, dict | list)
        )
    if isinstance(value, list):
        return sum(1 + (_expected(one) if isinstance(one, dict) else 0) for one in value)
    return 0


@pytest.mark.integration
def test_an_unknown_object_is_error_70(ada: App) -> None:
    for name, parameter in (
        ("getArtist", "id"),
        ("getAlbum", "id"),
        ("getSong", "id"),
        ("getMusicDirectory", "id"),
        ("getPlaylist", "id"),
        ("getSimilarSongs", "id"),
        ("getSimilarSongs2", "id"),
        ("getArtistInfo2", "id"),
        ("getAlbumInfo2", "id"),
        ("getLyricsBySongId", "id"),
        ("scrobble", "id"),
        ("star", "id"),
    ):
        for wrong in ("nope", "al-nope", "ar-nope", "ar-", "al-", "ä" * 2000, "\0"):
            assert ada.fail(name, **{parameter: wrong}) == 70, (name, wrong)
        assert ada.fail(name) == 10, name


@pytest.mark.integration
def test_a_cover_is_sent_in_the_wanted_size_or_not_at_all(ada: App) -> None:
    album = album_of(ada, "First Light")
    for own in (COVER, album["id"], SONG, artist_of(ada, "The Example")["id"]):
        response = ada.web.get("/rest/getCoverArt", params=ada.parameters(id=own, size=64))
        assert response.headers["content-type"] == "image/jpeg"
        assert len(response.content) > 100
    whole = ada.web.get("/rest/getCoverArt", params=ada.parameters(id=COVER, size=300))
    assert whole.headers["content-type"] == "image/png"  # not larger than its source
    again = ada.web.get("/rest/getCoverArt", params=ada.parameters(id=COVER, size=64))
    for known, status in (
        (again.headers["etag"], 304),
        (f'"other", W/{again.headers["etag"]}', 304),
        ("*", 304),
        (whole.headers["etag"], 200),
    ):
        asked = {"If-None-Match": known}
        answer = ada.web.get("/rest/getCoverArt", params=ada.parameters(id=COVER, size=64), headers=asked)
        assert (answer.status_code, bool(answer.content)) == (status, status == 200), known
        assert answer.headers["etag"] == again.headers["etag"]
        assert answer.headers["access-control-allow-origin"] == "*"
    for own in ("al-none", album_of(ada, "1999")["id"], "no"):
        response = ada.web.get("/rest/getCoverArt", params=ada.parameters(id=own))
        assert response.json()["subsonic-response"]["error"]["code"] == 70


def test_answers_need_no_kind_of_their_own() -> None:
    assert len(ANSWERS) > 70


@pytest.mark.integration
def test_a_page_of_another_site_can_read_every_answer(ada: App, web: TestClient) -> None:
    origin = {"Origin": "https://player.example"}
    wrong = web.get("/rest/ping", params={"u": "ada", "p": "wrong", "f": "json"}, headers=origin)
    right = web.get("/rest/stream", params=ada.parameters(id=SONG), headers={**origin, "Range": "bytes=0-9"})
    over = web.get(
        "/rest/stream", params=ada.parameters(id=SONG), headers={**origin, "Range": "bytes=99999999-"}
    )
    assert (wrong.json()["subsonic-response"]["error"]["code"], right.status_code, over.status_code) == (
        40,
        206,
        416,
    )
    for response in (wrong, right, over):
        assert response.headers["access-control-allow-origin"] == "*"
        assert "Content-Range" in response.headers["access-control-expose-headers"]
    asked = web.options("/rest/stream", headers={**origin, "Access-Control-Request-Headers": "range"})
    assert (asked.status_code, asked.headers["access-control-allow-headers"]) == (204, "range")
