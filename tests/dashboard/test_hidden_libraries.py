"""A library for certain accounts: no route and no page gives its tracks to anybody else."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from pymongo.database import Database
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.testclient import TestClient
from streamlit.testing.v1 import AppTest

from segue.catalog.gathering import gather
from segue.catalog.track import file_key
from segue.catalog.tracks import Tracks
from segue.dashboard import seeing, visit
from segue.dashboard.api.requests import Guests
from segue.dashboard.app import PAGES, make_routes
from segue.dashboard.queries.generated import PlaylistGenerator
from segue.dashboard.queries.sounding import similar_to_file
from segue.dashboard.services import Services
from segue.people.accounts import Account
from segue.people.login_sessions import COOKIE, Listener
from segue.playlists.day_lists import DayLists
from segue.playlists.playlists import Playlists
from segue.playlists.queues import QueuedTrack, Queues
from segue.settings import Settings
from segue.storage.mongo import Document
from segue.storage.store import Store
from tests.dashboard.music import EACH, STYLES, make_music

HIDDEN = "metal3"
QUEUED = {"id": HIDDEN, "key": "k", "source": "home"}
COVER = "cd" * 32
SECRET = b"metal"
"""In every title, artist and genre of the hidden library, and in the ids of its tracks."""


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """Only Ada sees the library "loud"."""
    library = settings.library.model_copy(update={"accounts": (("loud", ("ADA",)),)})
    return settings.model_copy(update={"library": library})


@pytest.fixture
def music(
    database: Database[Document], settings: Settings, music_files: dict[str, Path]
) -> Database[Document]:
    """Metal is in the hidden library; everybody's stored lists have some of it, from before it was hidden."""
    make_music(database, settings, music_files)
    for style in STYLES:
        library = {"library": "loud" if style == "Metal" else "home", "album": f"{style} Hits"}
        database.tracks.update_many({"genres": style}, {"$set": library})
    metal = {"cover_id": COVER, "file_key": file_key("Metal Band.flac")}
    database.tracks.update_many({"genres": "Metal"}, {"$set": metal})
    lyrics = {"language": "eng", "texts": ["Heavy metal"]}
    database.lyrics.insert_one({"_id": HIDDEN, "versions": [lyrics]})
    database.covers.insert_one({"_id": COVER, "type": "image/jpeg", "data": b"\xff\xd8 metal"})
    gather(Store(database))
    database.listening.insert_many(
        {
            "_id": f"{track}:{number}",
            "user_id": f"user{number}",
            "start": datetime.now(UTC) - timedelta(minutes=1),
            "rows": [{"track_id": track, "plays": 1, "completions": 1}],
        }
        for track in (HIDDEN, "waltz1")
        for number in range(9)
    )
    return database


class Browser(NamedTuple):
    client: TestClient
    user_id: str
    playlist: str


@pytest.fixture
def services(music: Database[Document], settings: Settings) -> Iterator[Services]:
    made = Services(Store(music), settings)
    yield made
    made.close()


def browser(services: Services, music: Database[Document], name: str | None) -> Browser:
    """A visitor with a history, a playlist and recommendations of which some are hidden."""
    app = Starlette(
        routes=make_routes(services), middleware=[Middleware(Guests, login_sessions=services.login_sessions)]
    )
    client = TestClient(app)
    user_id = (name or "guest").lower()
    if name:
        services.authenticator._accounts.add(Account(user_id, name), password_hash="x")
    client.cookies.set(COOKIE, services.login_sessions.open(user_id=user_id, name=name))
    of_track = {"score": 0.9, "reason": {"kind": "because", "track_id": HIDDEN}}
    music.recommendations.insert_one(
        {
            "_id": user_id,
            "recommendation_id": "r1",
            "items": [{"track_id": track, **of_track} for track in ("metal1", "waltz1", "metal2")],
            "model": "v1",
            "served": "taste",
            "reflects_at": 20,
            "updated_at": datetime.now(UTC),
        }
    )
    heard = {"tracks": [HIDDEN, "waltz2"], "weights": [1.0, 1.0], "types": ["complete"] * 2, "at": [10, 20]}
    music.tastes.insert_one({"_id": user_id, "windows": {"0": heard}})
    playlist = Playlists(Store(music)).create(user_id, "Mixed", tracks=[HIDDEN, "waltz1"])
    queued = QueuedTrack(key="k", track_id=HIDDEN, source="home", queued=True)
    Queues(Store(music)).keep(user_id, [queued], at=0, position_ms=0, player="tab", version=0)
    return Browser(client, user_id, playlist.playlist_id)


@pytest.fixture
def ben(services: Services, music: Database[Document]) -> Browser:
    return browser(services, music, "Ben")


@pytest.fixture
def ada(services: Services, music: Database[Document]) -> Browser:
    return browser(services, music, "Ada")


@pytest.fixture
def guest(services: Services, music: Database[Document]) -> Browser:
    return browser(services, music, None)


class Call(NamedTuple):
    """A request that asks for hidden tracks."""

    address: str
    shown_to_ada: bool
    """Whether the answer to Ada has a hidden track, so that the test could see a leak."""
    body: dict[str, Any] | None = None
    status: int | None = None
    """The status for those who do not see the library, where it is certain."""


QUEUE = {"version": 0, "player": "tab", "at": 0, "position": 0, "items": [QUEUED]}
"""Version 0 conflicts with the stored queue, which is the answer."""
CALLS: dict[tuple[str, str], Call] = {
    ("POST", "/api/events"): Call("/api/events", False, {"sent_at": 0, "plays": []}),
    ("GET", "/api/upcoming"): Call("/api/upcoming", True),
    ("GET", "/api/tickets/{track_id}"): Call(f"/api/tickets/{HIDDEN}", True),
    ("GET", "/api/audio/{track_id}"): Call("AUDIO", False, status=404),
    ("GET", "/api/covers/{cover_id}"): Call(f"/api/covers/{COVER}", True, status=404),
    ("GET", "/api/tracks/{track_id}/lyrics"): Call(f"/api/tracks/{HIDDEN}/lyrics", True, status=404),
    ("GET", "/api/openapi.json"): Call("/api/openapi.json", False),
    ("GET", "/operator"): Call("/operator?code=x", False),
    ("GET", "/api/search"): Call("/api/search?q=metal", True),
    ("GET", "/api/library"): Call("/api/library?show=songs", True),
    ("GET", "/api/library/songs"): Call("/api/library/songs?show=genres&id=Metal", True),
    ("GET", "/api/map"): Call("/api/map", True),
    ("GET", "/api/map/here"): Call(f"/api/map/here?track={HIDDEN}", False),
    ("GET", "/api/map/tracks"): Call("MAP TRACKS", True),
    ("GET", "/api/radio/{track_id}"): Call(f"/api/radio/waltz1?after={HIDDEN},metal1", True),
    ("GET", "/api/queue"): Call("/api/queue", True),
    ("PUT", "/api/queue"): Call("/api/queue", True, QUEUE),
    ("POST", "/api/queue"): Call("/api/queue", True, QUEUE),
    ("GET", "/api/playlists"): Call("/api/playlists", False),
    ("POST", "/api/playlists"): Call("/api/playlists", False, {"name": "x", "tracks": [HIDDEN]}, status=422),
    ("PUT", "/api/playlists/{playlist_id}"): Call("/api/playlists/PLAYLIST", False, {"cover": COVER}),
    ("POST", "/api/playlists/{playlist_id}/order"): Call(
        "/api/playlists/PLAYLIST/order", False, {"tracks": [{"place": 0, "track": HIDDEN}], "to": 1}
    ),
    ("PUT", "/api/playlists/{playlist_id}/picture"): Call("/api/playlists/PLAYLIST/picture", False, {}, 422),
    ("GET", "/api/playlists/{playlist_id}/picture"): Call("/api/playlists/PLAYLIST/picture", False),
    ("POST", "/api/playlists/{playlist_id}/tracks"): Call(
        "/api/playlists/PLAYLIST/tracks", False, {"tracks": [HIDDEN]}, status=422
    ),
    ("GET", "/api/playlists/{playlist_id}/file"): Call("/api/playlists/PLAYLIST/file", True),
    ("POST", "/api/similar"): Call("/api/similar", False),
    ("POST", "/api/share"): Call(
        "/api/share", False, {"kind": "track", "key": HIDDEN, "title": "x"}, status=422
    ),
    ("DELETE", "/api/share/{link_id}"): Call("/api/share/none", False),
    ("GET", "/s/{token}"): Call("/s/LINK", True),
    ("GET", "/s/{token}/picture.png"): Call("/s/LINK/picture.png", False),
    ("GET", "/s/{token}/audio/{track_id}"): Call(f"/s/LINK/audio/{HIDDEN}", False, status=404),
}
WITHOUT_TRACKS = (
    "/api/people/",
    "/api/me/",
    "/icons/",
    "/manifest.webmanifest",
    "/offline",
    "/service-worker.js",
)
"""Routes of accounts, of a listener's own data and of the player as an app, which have no tracks of the
catalogue."""


@pytest.fixture
def link(services: Services, ada: Browser) -> str:
    """The token of Ada's link to her playlist."""
    return services.links.create("ada", "playlist", ada.playlist, title="Mixed", playable=True)


def asked(services: Services, browser: Browser, method: str, call: Call, *, link: str = "") -> Any:
    address = call.address.replace("PLAYLIST", browser.playlist).replace("LINK", link)
    if address == "AUDIO":
        ticket = browser.client.get(f"/api/tickets/{HIDDEN}").json()
        address = ticket["url"]
    if address == "MAP TRACKS":
        bundle = services.catalogue._active.current()
        rows = ",".join(map(str, range(len(bundle.vectors))))
        address = f"/api/map/tracks?version={bundle.version}&rows={rows}"
    return browser.client.request(method, address, json=call.body)


def test_every_route_is_tried(services: Services) -> None:
    routes = {(method, route.path) for route in make_routes(services) for method in route.methods or ()}
    with_tracks = {
        (method, path) for method, path in routes if method != "HEAD" and not path.startswith(WITHOUT_TRACKS)
    }
    assert with_tracks == CALLS.keys(), "say here how a new route would give a hidden track"


@pytest.mark.parametrize("method_and_path", CALLS, ids=" ".join)
def test_no_route_gives_a_hidden_track(
    services: Services,
    ada: Browser,
    ben: Browser,
    guest: Browser,
    link: str,
    method_and_path: tuple[str, str],
) -> None:
    call, method = CALLS[method_and_path], method_and_path[0]
    for other in (ben, guest):
        answer = asked(services, other, method, call, link=link)
        content = answer.content.lower()
        if HIDDEN in f"{call.address}{call.body}":  # an answer may repeat the id that it was given
            content = content.replace(HIDDEN.encode(), b"")
        assert SECRET not in content, (other.user_id, answer.text)
        if call.status:
            assert answer.status_code == call.status
    if call.shown_to_ada:
        assert SECRET in asked(services, ada, method, call, link=link).content.lower()


def test_a_hidden_recording_cannot_be_told_from_one_that_does_not_exist(
    services: Services, ben: Browser
) -> None:
    paths = ("/api/radio/{}", "/api/map/here?track={}", "/api/audio/{}?t=1.2", "/api/tracks/{}/lyrics")
    for path in paths:
        hidden, unknown = (ben.client.get(path.format(own)) for own in (HIDDEN, "metal9"))
        assert (hidden.status_code, hidden.text.replace(HIDDEN, "metal9")) == (
            unknown.status_code,
            unknown.text,
        )


def test_the_loudness_of_a_hidden_recording_is_not_given(
    services: Services, music: Database[Document], ben: Browser, ada: Browser
) -> None:
    music.tracks.update_one({"_id": HIDDEN}, {"$set": {"details": {"replay_gain": {"track_gain": -3.5}}}})
    gains = [one.client.get(f"/api/tickets/{HIDDEN}").json()["gain"] for one in (ben, ada)]
    assert gains == [{}, {"track_gain": -3.5}]


def test_the_owner_of_the_library_hears_it(services: Services, ada: Browser) -> None:
    assert asked(services, ada, "GET", Call("AUDIO", True)).status_code == 200
    assert ada.client.get(f"/api/radio/{HIDDEN}").status_code == 200
    cover = ada.client.get(f"/api/covers/{COVER}")
    assert "private" in cover.headers["cache-control"], "a shared cache must not give it to others"


def test_a_shared_playlist_keeps_the_tracks_that_its_reader_does_not_see(
    link: str, ada: Browser, guest: Browser, music: Database[Document]
) -> None:
    shown = guest.client.get(f"/s/{link}")
    assert "Waltz 1" in shown.text
    assert "Metal" not in shown.text
    assert music.playlists.find_one({"_id": ada.playlist})["tracks"] == [HIDDEN, "waltz1"]  # type: ignore[index]


class Seen:
    """Queries of the services, as a visitor's page makes them."""

    def __init__(self, services: Services, browser: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(seeing, "_token_of_page", lambda: browser.client.cookies.get(COOKIE))
        self.services, self.user_id = services, browser.user_id

    def texts(self, settings: Settings) -> dict[str, str]:
        services, catalogue = self.services, self.services.catalogue
        made = PlaylistGenerator(catalogue, settings, self.user_id, kept=DayLists(services.store))
        today = datetime.now(UTC).date()
        results = {
            "search": catalogue.search("metal"),
            "matchable": catalogue.matchable("metal", limit=5),
            "files": catalogue.with_file_names(["Metal Band.flac"]).values(),
            "track": catalogue.track(HIDDEN),
            "placed": catalogue.placed(HIDDEN),
            "neighbours": catalogue.neighbours("metal1"),
            "newest": catalogue.newest(limit=50),
            "genres": catalogue.genres(),
            "genre": catalogue.of_genre("Metal"),
            "artist": catalogue.artist("Metal Band 3"),
            "artist's tracks": catalogue.of_album("Metal Band 3", None),
            "artists": catalogue.artists.page(by="name", limit=100),
            "albums": catalogue.albums.page(by="name", limit=100),
            "album": catalogue.album("", artist="Metal Band 3", name="Metal Hits"),
            "popular": services.popular.now(),
            "starting": services.starting_options.genres_and_artists(),
            "mix": made.daily_mix(today),
            "continuation": made.continuation([HIDDEN, "metal1"]),
        }
        return {name: repr(result) for name, result in results.items()}


def test_no_query_gives_a_hidden_track(
    services: Services, settings: Settings, ada: Browser, ben: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown = Seen(services, ada, monkeypatch).texts(settings)
    hidden = Seen(services, ben, monkeypatch).texts(settings)
    assert [name for name, text in shown.items() if "Metal" not in text] == []
    assert [name for name, text in hidden.items() if "Metal" in text] == []


def test_totals_do_not_count_hidden_tracks(
    services: Services, ada: Browser, ben: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    def totals() -> list[int]:
        catalogue = services.catalogue
        return [
            catalogue.search("band").total,
            catalogue.albums.count(),
            catalogue.artists.count(),
            Tracks(services.store).count_playable(),
        ]

    Seen(services, ada, monkeypatch)
    every = totals()
    Seen(services, ben, monkeypatch)
    assert totals() == [every[0] - EACH, every[1] - 1, every[2] - EACH, every[3] - EACH]


def test_an_artist_of_two_libraries_has_the_counts_of_the_visible_one(
    services: Services, music: Database[Document], ben: Browser, ada: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    music.tracks.update_one({"_id": "waltz1"}, {"$set": {"artist": "Metal Band 3", "grouped": 0}})
    gather(Store(music))
    counts = ("tracks", "appears_on", "genres", "cover_id")
    Seen(services, ada, monkeypatch)
    artist: Any = services.catalogue.artist("Metal Band 3")
    assert [artist[name] for name in counts] == [2, 2, ["Metal", "Waltz"], COVER]
    Seen(services, ben, monkeypatch)
    artist = services.catalogue.artist("Metal Band 3")
    assert [artist[name] for name in counts] == [1, 1, ["Waltz"], None]
    listed = {one["name"]: one for one in services.catalogue.artists.page(by="tracks", limit=99)}
    assert listed["Metal Band 3"]["cover_id"] is None


def test_a_list_for_a_guest_is_as_long_as_before(
    services: Services, settings: Settings, guest: Browser, music: Database[Document]
) -> None:
    music.recommendations.delete_many({})
    items = guest.client.get("/api/upcoming").json()["items"]
    assert len(items) == 2 * EACH
    assert not any(item["id"].startswith("metal") for item in items)


def test_an_upload_finds_no_hidden_track(
    services: Services, settings: Settings, ben: Browser, ada: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    from segue.dashboard.queries import sounding

    bundle = services.catalogue._active.current()
    vector = bundle.vectors[int(bundle.rows([HIDDEN])[0])]
    monkeypatch.setattr(sounding, "load_space", lambda *_: None)
    monkeypatch.setattr(sounding, "check_readable", lambda *_: None)
    monkeypatch.setattr(sounding, "length_of", lambda *_: 5.0)
    monkeypatch.setattr(sounding, "embed_file", lambda *_: vector)
    found = {}
    for one in (ada, ben):
        Seen(services, one, monkeypatch)
        near = similar_to_file(services.catalogue, settings, "x.mp3", limit=20)
        found[one.user_id] = {track.item.track_id[:5] for track in near}
    assert "metal" in found["ada"]
    assert found["ben"] <= {"waltz", "house"}


def _show(view: str) -> None:
    import importlib

    module, _, function = view.partition(".")
    getattr(importlib.import_module(f"segue.dashboard.views.{module}"), function)()


VIEWS: dict[str, dict[str, str]] = {
    "home.show": {},
    "search.show": {"q": "metal"},
    "library.show": {"show": "songs"},
    "library.show_albums": {},
    "library.show_artists": {},
    "library_map.show": {},
    "library.show_playlists": {"id": "PLAYLIST"},
    "you.show": {},
    "listening.show": {},
    "friends.show": {},
    "live.show": {},
    "operations.show": {},
    "audience.show": {},
    "audit.show": {},
    "account.show_reset": {},
    "account.show_confirm": {},
    "artist.show": {"name": "Metal Band 3"},
    "album.show": {"artist": "Metal Band 3", "name": "Metal Hits"},
    "track.show": {"id": HIDDEN},
}
"""All pages, with an address that asks for the hidden library."""


def test_every_page_is_tried() -> None:
    shown = re.findall(r"Page\(\s*\"\w+\", marked\(\"[^\"]+\"\), (\w+\.\w+)", PAGES.read_text())
    assert sorted(shown) == sorted(VIEWS), "say here how a new page would show a hidden track"


def texts(node: Any) -> Iterator[str]:
    """All that a page has, as text."""
    if hasattr(node, "children"):
        for child in node.children.values():
            yield from texts(child)
    if hasattr(node, "proto"):
        yield str(node.proto)


LISTS = ("albums", "artists", "songs", "playlists", "liked", "genres", "added")


@pytest.mark.parametrize("show", LISTS)
@pytest.mark.parametrize("words", ["", "metal"])
def test_no_list_of_the_library_has_a_hidden_track(
    ada: Browser, ben: Browser, music: Database[Document], show: str, words: str
) -> None:
    for one in (ada, ben):
        opinion = {"user_id": one.user_id, "track_id": HIDDEN, "opinion": "like", "at": datetime.now(UTC)}
        music.opinions.insert_one({"_id": one.user_id, **opinion})
    calls = [f"/api/library?show={show}&filter={words}", f"/api/library?show={show}&genre=Metal"]
    calls += ["/api/library/songs?show=liked"] if show == "liked" else []
    for address in calls:
        assert SECRET not in ben.client.get(address).content.lower(), address
    if show != "playlists":
        assert SECRET in ada.client.get(calls[0]).content.lower()
    if show == "liked":
        assert SECRET in ada.client.get(calls[-1]).content.lower()


@pytest.mark.parametrize("view", VIEWS)
def test_no_page_shows_a_hidden_track(
    services: Services, music: Database[Document], ben: Browser, monkeypatch: pytest.MonkeyPatch, view: str
) -> None:
    monkeypatch.setattr(seeing, "_token_of_page", lambda: ben.client.cookies.get(COOKIE))
    monkeypatch.setattr(visit, "listener", lambda: Listener("ben", "Ben", "s"))
    monkeypatch.setattr(visit, "operator", lambda: True)
    monkeypatch.setattr(visit, "services", lambda: services)
    page = AppTest.from_function(_show, kwargs={"view": view}, default_timeout=600)
    for name, value in VIEWS[view].items():
        page.query_params[name] = value.replace("PLAYLIST", ben.playlist)
    page.run()
    assert not page.exception
    asked = {text.lower() for text in VIEWS[view].values()}
    for text in texts(page._tree):
        left = text.lower()
        for word in sorted(asked, key=len, reverse=True):
            left = left.replace(word, "")
        assert "metal" not in left.replace(HIDDEN, "").replace("metal1", "").replace("metal2", ""), text
