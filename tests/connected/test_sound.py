"""The sound of a connected server's songs: analysed once, and played through Segue's own player and API."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import anyio.to_thread
import httpx
import pytest
from pymongo.database import Database
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.testclient import TestClient

from segue.batch_jobs import update_library
from segue.batch_jobs.library_pass import ServersToRead
from segue.batch_jobs.update_summary import UpdateSummary
from segue.catalog.tracks import Tracks
from segue.connected.connections import Connections
from segue.connected.faults import ServerAway, UnexpectedAnswer
from segue.connected.originals import Originals
from segue.dashboard.api.requests import Guests
from segue.dashboard.api.sounds import as_it_is
from segue.dashboard.app import make_routes
from segue.dashboard.opensubsonic.routes import routes
from segue.dashboard.services import Services
from segue.settings import Settings
from segue.storage.mongo import Document
from segue.storage.store import Store
from tests.asynchronous import run
from tests.catalog.library import song as sound_file
from tests.connected.home import Home
from tests.connected.small_server import SmallServer, as_json, failed, first_then, song, status
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


@pytest.mark.parametrize("name", ["ETag", "Content-Type", "Last-Modified", "Content-Range"])
def test_a_header_that_cannot_be_passed_on_is_left_out(
    home: Home, ada: App, track: str, recordings: list[bytes], name: str
) -> None:
    """Servers put names of files into some, in letters that HTTP does not have."""
    value = "audio/\N{SNOWMAN}".encode().decode("latin-1")  # as bytes of UTF-8
    headers = {"Content-Type": "audio/flac", name: value, "Content-Length": str(len(recordings[2]))}
    home.small.instead["stream"] = home.small.instead["download"] = status(
        200, headers=headers, body=recordings[2]
    )
    answer = stream(ada, track)
    assert (answer.status_code, answer.content) == (200, recordings[2])
    assert answer.headers["Content-Type"] == "audio/flac"
    assert name == "Content-Type" or name not in answer.headers


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


@pytest.mark.parametrize("kind", ["text/html", "text/plain; charset=utf-8", "application/json", ""])
def test_a_range_beyond_the_end_is_one_whatever_page_the_server_sends(
    home: Home, ada: App, track: str, kind: str
) -> None:
    """Many servers, and the proxies before them, send a page with this status."""
    headers = {"Content-Range": "bytes */1000", **({"Content-Type": kind} if kind else {})}
    home.small.instead["download"] = status(416, headers=headers, body=b"<script>alert(1)</script>")
    answer = stream(ada, track, headers={"Range": "bytes=99999999-"})
    assert (answer.status_code, answer.headers["content-range"]) == (416, "bytes */1000")
    assert b"script" not in answer.content


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


def test_a_song_that_stays_listed_makes_nobody_read_the_catalogue_again_and_again(
    home: Home, ada: App, track: str
) -> None:
    home.small.mark = "today"
    home.sync()
    home.small.instead["download"] = failed(70)
    for _ in range(3):
        assert stream(ada, track).json()["subsonic-response"]["error"]["code"] == 70
        home.sync()
    home.small.calls.clear()
    stream(ada, track)
    home.sync()
    assert "search3" not in home.small.calls


def test_a_transfer_that_is_too_slow_is_ended(home: Home, track: str) -> None:
    """Each piece comes in time."""
    at = iter(range(0, 10_000_000, 100))
    originals = Originals(home.store, home.settings, clock=lambda: float(next(at)))
    recording = Tracks(home.store).recording(track)
    assert recording is not None
    assert recording.server is not None
    with pytest.raises(ServerAway, match="too slow"):
        originals.file(recording.server, size=recording.size)
    originals.close()
    assert not any(Path(home.settings.servers.folder).iterdir()), "nothing is left behind"


def test_a_recording_that_is_too_large_is_not_transferred_first(home: Home, track: str) -> None:
    """Each pass would do so again."""
    large = {"Content-Type": "audio/flac", "Content-Length": str(home.settings.servers.cache_size + 1)}
    home.small.instead["download"] = status(200, headers=large, body=b"x")
    originals = Originals(home.store, home.settings)
    recording = Tracks(home.store).recording(track)
    assert recording is not None
    assert recording.server is not None
    with pytest.raises(UnexpectedAnswer):
        originals.file(recording.server, size=recording.size)
    originals.close()


def test_servers_that_hang_hold_up_no_thread_of_the_pages(home: Home, services: Services, track: str) -> None:
    """Many listeners wait for a server that does not answer, in threads that the pages do not use."""
    release = threading.Event()

    def hangs(request: Any) -> None:
        release.wait(600)
        request.usual()

    home.small.instead["download"] = hangs
    recording = Tracks(home.store).recording(track)
    assert recording is not None
    scope = {"type": "http", "method": "HEAD", "headers": [], "path": "/", "query_string": b""}

    async def listen() -> None:
        await as_it_is(services, recording, Request(scope), headers={})

    async def held_up() -> float:
        """The threads of the pages that are at work while all others wait."""
        most = services.passing.total_tokens
        async with anyio.create_task_group() as group:
            for _ in range(int(most) + 5):
                group.start_soon(listen)
            try:
                with anyio.fail_after(300):
                    while services.passing.borrowed_tokens < most:
                        await anyio.sleep(0.01)
                return anyio.to_thread.current_default_thread_limiter().borrowed_tokens
            finally:
                release.set()
        raise AssertionError

    assert run(held_up) == 0


LYRICS = [
    {
        "lang": "en",
        "synced": True,
        "offset": 500,
        "line": [{"start": 12_300, "value": "one"}, {"start": 100, "value": "two\x00"}],
    },
    {"lang": "xxx", "synced": False, "line": [{"value": "plain"}, {"value": ""}, {"value": "words"}]},
]


def test_lyrics_of_the_server_are_shown(home: Home, services: Services, ada: App, track: str) -> None:
    home.small.lyrics["song-2"] = LYRICS
    answer = ada.get("getLyricsBySongId", id=track)
    first, second = answer["lyricsList"]["structuredLyrics"]
    assert first["line"] == [{"value": "two", "start": 0}, {"value": "one", "start": 11_800}]
    assert (first["synced"], first["lang"], first["offset"]) == (True, "en", 0)
    assert [line["value"] for line in second["line"]] == ["plain", "", "words"]
    assert (second["synced"], second["lang"]) == (False, "und")
    ada.get("getLyricsBySongId", id=track)
    assert home.small.calls.count("getLyricsBySongId") == 1, "they are not asked for each time"
    guests = Middleware(Guests, login_sessions=services.login_sessions)
    client = TestClient(Starlette(routes=make_routes(services), middleware=[guests]))
    client.get("/", headers={"accept": "text/html"})
    versions = client.get(f"/api/tracks/{track}/lyrics").json()["versions"]
    assert [one["synced"] for one in versions] == [True, False]


def lyrics_answer(lyrics: object) -> Any:
    found = {"status": "ok", "lyricsList": {"structuredLyrics": lyrics}}
    return as_json({"subsonic-response": found})


@pytest.mark.parametrize(
    "answer",
    [
        status(404),
        status(503),
        failed(0),
        failed(70),
        lyrics_answer([7, {"line": 7}]),
        lyrics_answer({"synced": True, "line": [{"start": "x"}, {"start": 1e99}]}),
    ],
)
def test_a_server_without_lyrics_has_none(home: Home, ada: App, track: str, answer: Any) -> None:
    home.small.instead["getLyricsBySongId"] = answer
    for _ in range(3):
        assert ada.get("getLyricsBySongId", id=track)["lyricsList"]["structuredLyrics"] == []
    assert home.small.calls.count("getLyricsBySongId") == 1, "it is left alone for a while"


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
