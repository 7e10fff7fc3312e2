"""A listener removes everything while the player, apps and programs send: nothing of them stays."""

from __future__ import annotations

import socket
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn
from starlette.applications import Starlette

from segue.dashboard.api import player
from segue.dashboard.api.v1 import routes as developers
from segue.dashboard.listenbrainz import routes as listenbrainz
from segue.dashboard.opensubsonic import routes as opensubsonic
from segue.dashboard.services import Services
from segue.people.accounts import Account
from segue.people.api_keys import SCOPES, ApiKeys
from segue.people.app_log_in import AppLogIn
from segue.people.app_passwords import AppPasswords
from segue.people.login_sessions import COOKIE, LoginSessions
from segue.people.secret_box import SecretBox
from segue.privacy.leaving import leave
from segue.settings import Settings
from tests.opensubsonic.conftest import PASSWORD, library, services, sound_files, track_id
from tests.waiting import PATIENCE, until

__all__ = ["library", "services", "sound_files"]
pytestmark = pytest.mark.integration
ONE, OTHER = track_id(0, 3), track_id(1, 2)


@pytest.fixture
def app_settings(broker: Settings) -> Settings:
    return broker


@pytest.fixture
def address(services: Services) -> Iterator[str]:
    """The address of a server with every route that takes plays."""
    ways = (player, developers, opensubsonic, listenbrainz)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        app = Starlette(routes=[route for way in ways for route in way.routes(services)])
        server = uvicorn.Server(uvicorn.Config(app, log_level="warning", lifespan="off"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        server.should_exit = True
        thread.join(timeout=60)


Ask = Callable[[], httpx.Response]


def ways_in(services: Services, account: Account, http: httpx.Client) -> dict[str, Ask]:
    """By name, a request that stores something of the listener."""
    user_id, name, store = account.user_id, account.name, services.store
    cookie = services.login_sessions.open(user_id=user_id, name=name)
    key = ApiKeys(store).create(user_id, name, label="lamp", scopes=SCOPES)
    box = SecretBox(Path(services.settings.opensubsonic.key_file))
    password = AppPasswords(store).create(user_id, name, device="phone", box=box)
    app = {"apiKey": password, "v": "1.16.1", "c": "tests", "f": "json"}

    def event(**fields: Any) -> dict[str, Any]:
        own = {"event_id": str(uuid.uuid4()), "track_id": ONE, "type": "like"}
        return {**own, "occurred_at": round(time.time() * 1000), **fields}

    def play() -> httpx.Response:
        sent = {"ms_played": 0, "position_ms": 0, "duration_ms": 6000, "source": "home"}
        body = {"sent_at": round(time.time() * 1000), "plays": [event(**sent)]}
        return http.post("/api/events", json=body, headers={"Cookie": f"{COOKIE}={cookie}"})

    def program() -> httpx.Response:
        headers = {"Authorization": f"Bearer {key}"}
        return http.post("/api/v1/events", json={"events": [event(type="dislike")]}, headers=headers)

    def scrobbler() -> httpx.Response:
        names = {"artist_name": "The Example", "track_name": f"Unknown {uuid.uuid4()}"}
        listen = {"listened_at": round(time.time()) - 600, "track_metadata": names}
        body = {"listen_type": "single", "payload": [listen]}
        return http.post("/1/submit-listens", json=body, headers={"Authorization": f"Token {password}"})

    def call(endpoint: str, **parameters: Any) -> Ask:
        return lambda: http.get(f"/rest/{endpoint}", params={**app, **parameters})

    return {
        "player": play,
        "program": program,
        "scrobbler": scrobbler,
        "app, star": call("star", id=OTHER),
        "app, rating": call("setRating", id=OTHER, rating="4"),
        "app, scrobble": call("scrobble", id=OTHER, submission="true"),
        "app, bookmark": call("createBookmark", id=OTHER, position="1000"),
        "app, queue": call("savePlayQueue", id=OTHER, current=OTHER),
        "app, playlist": call("createPlaylist", name="Mine", songId=OTHER),
    }


def held(services: Services, user_id: str) -> list[str]:
    database = services.store.database
    names = sorted(database.list_collection_names())
    return [name for name in names if any(user_id in str(one) for one in database[name].find())]


def test_nothing_stays_of_a_listener_who_leaves_while_all_send(
    services: Services, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All requests were let in before the removal, and write after it."""
    account = services.authenticator.create("Ada", f"{PASSWORD}-Ada")
    let_in, removed = list[object](), threading.Event()

    def held_back(method: Callable[..., Any]) -> Callable[..., Any]:
        def work(*args: Any, **kwargs: Any) -> Any:
            found = method(*args, **kwargs)
            let_in.append(found)
            assert removed.wait(PATIENCE)
            return found

        return work

    with ExitStack() as stack:
        http = stack.enter_context(httpx.Client(base_url=address, timeout=PATIENCE))
        ways = ways_in(services, account, http)
        before = {name: ask() for name, ask in ways.items()}
        assert {name: one.text for name, one in before.items() if one.status_code != 200} == {}
        stored = {"opinions", "sent_plays", "imported_days", "marks", "bookmarks", "queues", "playlists"}
        assert stored <= set(held(services, account.user_id))
        monkeypatch.setattr(LoginSessions, "find", held_back(LoginSessions.find))
        monkeypatch.setattr(AppLogIn, "used", held_back(AppLogIn.used))
        monkeypatch.setattr(AppLogIn, "request", held_back(AppLogIn.request))
        pool = stack.enter_context(ThreadPoolExecutor(len(ways)))
        stack.callback(removed.set)
        sending = [pool.submit(ask) for ask in ways.values()]
        until(lambda: len(let_in) == len(ways), "all requests are let in")
        leave(services.store, services.settings, account.user_id)
        removed.set()
        answers = [one.result() for one in sending]
    assert None not in let_in
    assert held(services, account.user_id) == ["forgotten"]
    assert 500 not in {one.status_code for one in answers}
