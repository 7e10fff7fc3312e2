"""The sound of a connected server's songs: analysed once, and played through Segue's own player and API."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from pymongo.database import Database
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.testclient import TestClient

from segue.batch_jobs import update_library
from segue.batch_jobs.update_library import ServersToRead, UpdateSummary
from segue.connected.connections import Connections
from segue.dashboard.api.requests import Guests
from segue.dashboard.app import make_routes
from segue.dashboard.opensubsonic.routes import routes
from segue.dashboard.services import Services
from segue.settings import Settings
from segue.storage.mongo import Document
from segue.storage.store import Store
from tests.catalog.library import song as sound_file
from tests.connected.home import Home
from tests.connected.small_server import SmallServer, failed, first_then, song, status
from tests.opensubsonic.conftest import App, app_of

pytestmark = pytest.mark.integration
SECONDS = 4.0


@pytest.fixture(scope="session")
def recordings(tmp_path_factory: pytest.TempPathFactory) -> list[bytes]:
    """Six recordings."""
    folder = tmp_path_factory.mktemp("recordings")
    return [sound_file(folder / f"{n}.flac", seconds=SECONDS, seed=n).read_bytes() for n in range(6)]


@pytest.fixture
def home(
    database: Database[Document], settings: Settings, small: SmallServer, recordings: list[bytes]
) -> Home:
    small.fill(*(song(n, size=len(data), duration=9) for n, data in enumerate(recordings)))
    small.sounds = {f"song-{n}": data for n, data in enumerate(recordings)}
    return Home(Store(database), settings, small)


@pytest.fixture(autouse=True)
def own_lock(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(update_library, "LOCAL", tmp_path)


def update(home: Home) -> UpdateSummary:
    servers = ServersToRead(Connections(home.store).all())
    return update_library.run(home.settings, home.store, [], quiet=True, servers=servers)


@pytest.mark.usefixtures("shared_describers")
def test_songs_enter_the_index_from_one_transfer_each(home: Home) -> None:
    home.small.instead["download"] = first_then(1, status(503))
    first = update(home)
    assert (first.new, first.described, first.faults) == (6, 0, [])
    second = update(home)
    assert (second.new, second.described, second.indexed) == (0, 6, 6)
    assert home.small.calls.count("download") == 7
    third = update(home)
    assert (third.described, third.undescribed, third.index) == (0, 0, second.index)
    assert home.small.calls.count("download") == 7
    tracks = home.store.database.tracks
    assert {one["duration_ms"] for one in tracks.find()} == {round(SECONDS * 1000)}
    assert all(one["loudness"]["integrated"] < 0 for one in tracks.find())
    # Another tag changes the size of a file a little, but not its sound.
    home.small.songs["song-1"].update(title="Retagged", size=home.small.songs["song-1"]["size"] + 20)
    fourth = update(home)
    assert (fourth.changed, fourth.described) == (1, 0)
    assert tracks.find_one({"title": "Retagged"})["duration_ms"] == round(SECONDS * 1000)  # type: ignore[index]


@pytest.mark.usefixtures("shared_describers")
def test_a_song_without_sound_does_not_hold_up_the_others(home: Home) -> None:
    home.small.sounds["song-0"] = b"no sound at all"
    del home.small.sounds["song-1"]
    done = update(home)
    assert (done.described, done.undescribed) == (4, 1)
    assert update(home).undescribed == 0


@pytest.fixture
def services(home: Home) -> Iterator[Services]:
    home.sync()
    found = Services(home.store, home.settings)
    yield found
    found.close()


@pytest.fixture
def web(services: Services) -> TestClient:
    return TestClient(Starlette(routes=routes(services)))


@pytest.fixture
def ada(services: Services, web: TestClient) -> App:
    return app_of(services, web, "Ada")


def stream(app: App, own: str, *, headers: dict[str, str] | None = None, **more: Any) -> httpx.Response:
    answer: httpx.Response = app.web.get(
        "/rest/stream", params=app.parameters(id=own, **more), headers=headers
    )
    return answer


@pytest.fixture
def track(home: Home, services: Services) -> str:
    """The track of a song."""
    return home.ids()["song-2"]


def test_an_app_hears_the_servers_bytes(ada: App, track: str, recordings: list[bytes]) -> None:
    answer = stream(ada, track)
    assert (answer.status_code, answer.content) == (200, recordings[2])
    assert (answer.headers["content-type"], answer.headers["accept-ranges"]) == ("audio/flac", "bytes")
    assert answer.headers["content-length"] == str(len(recordings[2]))
    assert answer.headers["access-control-allow-origin"] == "*"
    found = ada.get("getSong", id=track)["song"]
    assert (found["suffix"], found["contentType"], found["size"]) == (
        "flac",
        "audio/flac",
        len(recordings[2]),
    )


@pytest.mark.parametrize("asked", ["bytes=100-199", "bytes=0-1", "bytes=2000-"])
def test_ranges_are_cut_by_the_server_alone(
    ada: App, track: str, recordings: list[bytes], asked: str
) -> None:
    whole = recordings[2]
    first, _, last = asked.removeprefix("bytes=").partition("-")
    end = int(last) if last else len(whole) - 1
    answer = stream(ada, track, headers={"Range": asked})
    assert (answer.status_code, answer.content) == (206, whole[int(first) : end + 1])
    assert answer.headers["content-range"] == f"bytes {first}-{end}/{len(whole)}"


def test_a_range_beyond_the_end(ada: App, track: str, recordings: list[bytes]) -> None:
    answer = stream(ada, track, headers={"Range": "bytes=99999999-"})
    assert answer.status_code == 416
    assert answer.headers["content-range"] == f"bytes */{len(recordings[2])}"


def test_head_has_no_body(ada: App, track: str, recordings: list[bytes]) -> None:
    answer = ada.web.head("/rest/stream", params=ada.parameters(id=track))
    assert (answer.status_code, answer.content) == (200, b"")
    assert answer.headers["content-length"] == str(len(recordings[2]))


def test_an_app_gets_another_form(home: Home, ada: App, track: str) -> None:
    answer = stream(ada, track, format="mp3", maxBitRate=64)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "audio/mpeg")
    assert len(answer.content) > 1000
    stream(ada, track, format="opus")
    assert home.small.calls.count("download") == 1  # it is kept for further conversions


def test_a_song_that_the_server_lost(home: Home, ada: App, track: str) -> None:
    home.small.mark = "today"
    home.sync()
    home.small.instead["download"] = failed(70)
    home.small.calls.clear()
    assert stream(ada, track).json()["subsonic-response"]["error"]["code"] == 70
    home.sync()  # although the server reports no change
    assert "search3" in home.small.calls


def test_a_server_that_is_away_while_somebody_listens(home: Home, ada: App, track: str) -> None:
    home.small.instead["download"] = status(503)
    answer = stream(ada, track)
    assert answer.status_code == 503
    assert int(answer.headers["retry-after"]) > 0
    home.small.instead.clear()
    assert stream(ada, track).status_code == 200


def test_an_account_that_may_not_download(home: Home, ada: App, track: str, recordings: list[bytes]) -> None:
    home.small.instead["download"] = failed(50)
    assert stream(ada, track).content == recordings[2]
    assert "stream" in home.small.calls


@pytest.mark.parametrize("kind", ["text/html", "image/svg+xml", "application/xhtml+xml", "application/json"])
def test_a_page_in_place_of_sound_is_not_passed_on(home: Home, ada: App, track: str, kind: str) -> None:
    page = status(200, headers={"Content-Type": kind}, body=b"<script>alert(1)</script>")
    home.small.instead["download"] = page
    answer = stream(ada, track)
    assert b"script" not in answer.content
    assert answer.status_code == 503


def test_a_type_that_is_no_sound_is_replaced(home: Home, ada: App, track: str) -> None:
    home.small.instead["download"] = status(200, headers={"Content-Type": "application/pdf"}, body=b"%PDF")
    assert stream(ada, track).headers["content-type"] == "audio/flac"


def test_the_player_hears_it_too(home: Home, services: Services, track: str, recordings: list[bytes]) -> None:
    guests = Middleware(Guests, login_sessions=services.login_sessions)
    client = TestClient(Starlette(routes=make_routes(services), middleware=[guests]))
    client.get("/", headers={"accept": "text/html"})
    ticket = client.get(f"/api/tickets/{track}").json()
    assert ticket["type"] == "audio/flac"
    whole = client.get(ticket["url"])
    assert (whole.status_code, whole.content) == (200, recordings[2])
    part = client.get(ticket["url"], headers={"Range": "bytes=10-19"})
    assert (part.status_code, part.content) == (206, recordings[2][10:20])
    assert client.get(f"{ticket['url']}&format=mp3").status_code == 200
    home.small.instead["download"] = failed(70)
    assert client.get(ticket["url"]).status_code == 404
