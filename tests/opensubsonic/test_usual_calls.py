"""The calls of well-known apps from the log-in to the end of a song, in the form in which each sends them.

The older ones read XML, whose attributes must be there (those that the schema of Subsonic 1.16.1 requires).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from xml.etree import ElementTree

import httpx
import pytest

from segue.dashboard.services import Services
from segue.settings import Settings
from tests.dashboard.test_player_routes import in_kafka
from tests.opensubsonic import schemas
from tests.opensubsonic.conftest import COVER, App, track_id
from tests.opensubsonic.test_answers import album_of, artist_of

pytestmark = pytest.mark.integration
SONG, NEXT = track_id(0, 2), track_id(0, 3)
Call = tuple[str, Mapping[str, Any]]
_CHILD = ("id", "isDir", "title")
REQUIRED: Mapping[str, Sequence[str]] = {
    "subsonic-response": ("status", "version", "type", "serverVersion", "openSubsonic"),
    "license": ("valid",),
    "musicFolder": ("id", "name"),
    "indexes": ("lastModified", "ignoredArticles"),
    "index": ("name",),
    "directory": ("id", "name"),
    "child": _CHILD,
    "song": _CHILD,
    "entry": _CHILD,
    "match": _CHILD,
    "genre": ("songCount", "albumCount"),
    "playlist": ("id", "name", "songCount", "duration", "created", "changed", "owner", "public"),
    "bookmark": ("position", "username", "created", "changed"),
    "playQueue": ("username", "changed", "changedBy"),
    "share": ("id", "url", "username", "created", "visitCount"),
    "user": ("username", "adminRole", "streamRole", "downloadRole", "shareRole", "scrobblingEnabled"),
    "scanStatus": ("scanning",),
    "searchResult": ("offset", "totalHits"),
    "error": ("code", "message"),
}
_BY_PARENT: Mapping[tuple[str, str], Sequence[str]] = {
    ("index", "artist"): ("id", "name"),
    ("albumList", "album"): _CHILD,
    ("albumList2", "album"): ("id", "name", "songCount", "duration", "created"),
    ("artist", "album"): ("id", "name", "songCount", "duration", "created"),
    ("subsonic-response", "album"): ("id", "name", "songCount", "duration", "created"),
    ("subsonic-response", "artist"): ("id", "name", "albumCount"),
    ("starred", "album"): _CHILD,
    ("starred2", "album"): ("id", "name", "songCount", "duration", "created"),
    ("starred2", "artist"): ("id", "name", "albumCount"),
    ("searchResult2", "album"): _CHILD,
    ("searchResult3", "album"): ("id", "name", "songCount", "duration", "created"),
    ("searchResult3", "artist"): ("id", "name", "albumCount"),
    ("nowPlaying", "entry"): (*_CHILD, "username", "minutesAgo", "playerId"),
}


@pytest.fixture
def app_settings(broker: Settings) -> Settings:
    return broker


@dataclass(frozen=True, kw_only=True)
class Style:
    """How an app sends its calls."""

    name: str
    version: str
    form: str | None
    """The parameter f; None for an app that reads XML and does not say so."""
    ending: str = ".view"
    posts: bool = False
    log_in: str = "token"


STYLES = (
    Style(name="DSub", version="1.2.0", form=None),
    Style(name="Ultrasonic", version="1.16.1", form="json"),
    Style(name="playSub", version="1.16.1", form="xml", posts=True),
    Style(name="Amperfy", version="1.11.0", form=None, ending=""),
    Style(name="supersonic", version="1.8.0", form="xml", ending=""),
    Style(name="Feishin", version="1.13.0", form="json"),
    Style(name="Strawberry", version="1.11.0", form="json", log_in="hexadecimal"),
    Style(name="Tempo", version="1.15.0", form="json", ending=""),
    Style(name="Symfonium", version="1.13.0", form="json", posts=True),
    Style(name="substreamer", version="1.16.1", form="json", ending=".view", posts=True),
    Style(name="sonixd", version="1.15.0", form="json", ending=""),
    Style(name="curl", version="1.16.1", form=None, log_in="password"),
)


class Client:
    """An app over HTTP."""

    def __init__(self, style: Style, web: httpx.Client, app_password: str) -> None:
        self.style, self._web, self._password = style, web, app_password

    def _own(self) -> dict[str, str]:
        own = {"u": "Ada", "v": self.style.version, "c": self.style.name}
        if self.style.form:
            own["f"] = self.style.form
        if self.style.log_in == "password":
            return own | {"p": self._password}
        if self.style.log_in == "hexadecimal":
            return own | {"p": "enc:" + self._password.encode().hex()}
        salt = "c19b2d"
        return own | {"t": hashlib.md5((self._password + salt).encode()).hexdigest(), "s": salt}

    def send(self, name: str, parameters: Mapping[str, Any]) -> httpx.Response:
        path, sent = f"/rest/{name}{self.style.ending}", {**self._own(), **parameters}
        if self.style.posts:
            return self._web.post(path, data=sent)
        return self._web.get(path, params=sent)

    def code(self, name: str, /, **parameters: Any) -> int:
        """The code of the error of a call, whose answer must have the published shape; -1 for none."""
        response = self.send(name, parameters)
        assert response.status_code == 200, (name, response.text)
        if self.style.form == "json":
            schemas.check(name, response.json())
            content = response.json()["subsonic-response"]
            return int(content["error"]["code"]) if "error" in content else -1
        root = ElementTree.fromstring(response.content)
        lacking = [one for parent, element in below(root) for one in lacks(parent, element)]
        assert lacking == [], name
        error = root.find("{*}error")
        assert (error is None) == (root.get("status") == "ok")
        return -1 if error is None else int(error.get("code", ""))

    def file(self, name: str, /, **parameters: Any) -> httpx.Response:
        response = self.send(name, parameters)
        assert response.status_code == 200
        assert response.headers["content-type"].partition("/")[0] in ("audio", "image"), name
        return response


def plain(element: ElementTree.Element) -> str:
    return element.tag.partition("}")[2]


def below(root: ElementTree.Element) -> Iterator[tuple[str, ElementTree.Element]]:
    """Each element with the name of its parent."""
    yield "", root
    for parent in root.iter():
        for element in parent:
            yield plain(parent), element


def lacks(parent: str, element: ElementTree.Element) -> list[str]:
    """The required attributes that an element lacks."""
    name = plain(element)
    wanted = _BY_PARENT.get((parent, name), REQUIRED.get(name, ()))
    return [f"{parent}/{name}@{one}" for one in wanted if one not in element.attrib]


@pytest.fixture(params=STYLES, ids=lambda style: style.name)
def client(request: pytest.FixtureRequest, ada: App, address: int) -> Iterator[Client]:
    with httpx.Client(base_url=f"http://127.0.0.1:{address}", timeout=60) as web:
        yield Client(request.param, web, ada.app_password)


def browsing(ada: App) -> Iterator[Call]:
    artist, album = artist_of(ada, "The Example")["id"], album_of(ada, "First Light")["id"]
    yield from ((name, {}) for name in ("ping", "getLicense", "getOpenSubsonicExtensions", "getMusicFolders"))
    yield from (("getUser", {"username": "Ada"}), ("getScanStatus", {}), ("getGenres", {}))
    yield from (("getIndexes", {"musicFolderId": folder, "ifModifiedSince": 0}) for folder in ("", -1, 1))
    yield from (("getArtists", {"musicFolderId": folder}) for folder in ("", 1))
    yield from (("getMusicDirectory", {"id": own}) for own in (1, artist, album))
    for kind in ("random", "newest", "highest", "frequent", "recent", "starred"):
        for name in ("getAlbumList", "getAlbumList2"):
            yield name, {"type": kind, "size": 20, "offset": 0, "musicFolderId": ""}
    for kind in ("alphabeticalByName", "alphabeticalByArtist"):
        yield from (("getAlbumList2", {"type": kind, "size": 500, "offset": after}) for after in (0, 500))
    yield "getAlbumList2", {"type": "byYear", "fromYear": 2100, "toYear": 1900, "size": 500}
    yield "getAlbumList2", {"type": "byGenre", "genre": "Folk", "size": 500}
    yield from (("getArtist", {"id": artist}), ("getAlbum", {"id": album}), ("getSong", {"id": SONG}))
    for name in ("getArtistInfo", "getArtistInfo2"):
        yield name, {"id": artist, "count": 30, "includeNotPresent": "false"}
    yield from ((name, {"id": album}) for name in ("getAlbumInfo", "getAlbumInfo2"))
    yield "getTopSongs", {"artist": "The Example", "count": 50}
    yield from ((name, {"id": artist, "count": 50}) for name in ("getSimilarSongs", "getSimilarSongs2"))
    yield "getSongsByGenre", {"genre": "Folk", "count": 500, "offset": 0}
    yield "getRandomSongs", {"size": 500, "genre": "", "fromYear": "", "toYear": "", "musicFolderId": ""}
    counts = {f"{kind}Count": 20 for kind in ("artist", "album", "song")}
    counts |= {f"{kind}Offset": 0 for kind in ("artist", "album", "song")}
    for name in ("search2", "search3"):
        yield from ((name, {"query": query, **counts}) for query in ("first*", "", '""', "light"))
    yield from (
        (name, {}) for name in ("getStarred", "getStarred2", "getNowPlaying", "getBookmarks", "getShares")
    )
    yield from (
        ("getPlaylists", {}),
        ("getPlaylists", {"username": "Ada"}),
        ("getPlaylist", {"id": "made-for-you"}),
    )
    yield from (("getPodcasts", {"includeEpisodes": "false"}), ("getNewestPodcasts", {"count": 20}))
    yield from (("getInternetRadioStations", {}), ("getVideos", {}), ("getChatMessages", {"since": 0}))
    yield from (("getPlayQueue", {}), ("getLyrics", {"artist": "The Example", "title": "Intro"}))


def test_an_evening_in_the_form_of_each_app(client: Client, ada: App, services: Services) -> None:
    for name, parameters in browsing(ada):
        assert client.code(name, **parameters) == -1, (name, parameters)
    for name, parameters, expected in (
        ("jukeboxControl", {"action": "status"}, 50),
        ("getAvatar", {"username": "Ada"}, 70),
        ("getVideoInfo", {"id": "1"}, 70),
        ("getSong", {"id": "gone"}, 70),
        ("getSong", {}, 10),
    ):
        assert client.code(name, **parameters) == expected, name
    assert client.file("getCoverArt", id=COVER, size=300).content
    # Play a song to its end, and keep what was liked.
    assert client.code("scrobble", id=SONG, submission="false") == -1
    assert client.file("stream", id=SONG).content == client.file("download", id=SONG).content
    assert client.file("stream", id=SONG, maxBitRate=32, format="mp3", estimateContentLength="true").content
    assert client.code("savePlayQueue", id=[SONG, NEXT], current=SONG, position=1000) == -1
    assert client.code("scrobble", id=SONG, submission="true") == -1
    assert client.code("scrobble", id=NEXT, submission="false") == -1
    assert client.code("star", id=SONG) == -1
    assert client.code("setRating", id=SONG, rating=5) == -1
    assert client.code("createPlaylist", name="Evening", songId=[SONG, NEXT]) == -1
    made = next(one for one in ada.get("getPlaylists")["playlists"]["playlist"] if one["name"] == "Evening")
    assert client.code("updatePlaylist", playlistId=made["id"], songIdToAdd=SONG, songIndexToRemove=0) == -1
    assert client.code("getPlaylist", id=made["id"]) == -1
    assert client.code("createBookmark", id=SONG, position=1500, comment="here") == -1
    assert client.code("createShare", id=SONG, description="For you") == -1
    for name in ("getBookmarks", "getShares", "getNowPlaying", "getPlayQueue", "getStarred2"):
        assert client.code(name) == -1
    assert client.code("deleteBookmark", id=SONG) == -1
    assert client.code("deletePlaylist", id=made["id"]) == -1
    kinds = [(event["track_id"], event["type"]) for event in in_kafka(services.settings)]
    assert kinds == [(SONG, "play"), (SONG, "complete"), (NEXT, "play"), (SONG, "like")]
