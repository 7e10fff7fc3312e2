"""One visitor with the sessions of several guests leaves places to the visitors of other networks."""

from __future__ import annotations

import asyncio
from contextlib import ExitStack, suppress

import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.testclient import TestClient
from starlette.types import Message

from segue.dashboard.api import own_data
from segue.dashboard.api.requests import Guests
from segue.dashboard.app import make_routes
from segue.dashboard.services import Services
from segue.dashboard.slow_work import Full, Places
from segue.people.login_sessions import COOKIE
from tests.asynchronous import run

pytestmark = pytest.mark.integration
ONE, OTHER = "203.0.113.7", "198.51.100.9"


def guest(services: Services, address: str) -> TestClient:
    """A new guest from an address."""
    layers = [Middleware(Guests, login_sessions=services.login_sessions)]
    client = TestClient(Starlette(routes=make_routes(services), middleware=layers), client=(address, 1))
    client.get("/", headers={"accept": "text/html"})
    return client


@pytest.mark.parametrize("kind", ["exports", "pictures"])
def test_another_guest_of_the_network_gets_no_more_places(services: Services, kind: str) -> None:
    def ask(client: TestClient) -> int:
        if kind == "exports":
            return int(client.get("/api/me/export").status_code)
        made = client.post("/api/playlists", json={"name": "Mine", "tracks": []}).json()["id"]
        return int(client.put(f"/api/playlists/{made}/picture", content=b"no picture").status_code)

    work = getattr(services, kind)
    with ExitStack() as held:
        with pytest.raises(Full) as full:
            while True:
                held.enter_context(work.place(ONE))
        assert full.value.status_code == 429, "there are places for others"
        assert ask(guest(services, ONE)) == 429
        # There is no Kafka, and the text is no picture.
        assert ask(guest(services, OTHER)) == {"exports": 503, "pictures": 422}[kind]


def test_an_export_keeps_its_place_until_it_was_read(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A visitor who read none of two hundred had all of them in memory."""
    monkeypatch.setattr(own_data, "_archive", lambda *_given: b"x" * 1_000_000)
    token = guest(services, ONE).cookies[COOKIE]
    app = Starlette(routes=make_routes(services))

    def free() -> int:
        """The places that the network can still have."""
        places = 0
        with ExitStack() as held, suppress(Full):
            while True:
                held.enter_context(services.exports.place(ONE))
                places += 1
        return places

    async def tried() -> None:
        asked, may_read = asyncio.Event(), asyncio.Event()

        async def send(message: Message) -> None:
            if message["type"] == "http.response.body":
                asked.set()
                await may_read.wait()

        async def receive() -> Message:
            await asyncio.Event().wait()
            raise AssertionError

        headers = [(b"cookie", f"{COOKIE}={token}".encode()), (b"host", b"segue")]
        scope = {"type": "http", "method": "GET", "path": "/api/me/export", "query_string": b""}
        scope |= {"headers": headers, "client": (ONE, 1), "scheme": "http", "server": ("segue", 80)}
        reading = asyncio.create_task(app(scope, receive, send))
        await asked.wait()
        assert free() == 1
        may_read.set()
        await reading
        assert free() == 2

    run(tried)


def test_a_place_for_one_thread_of_each_visitor() -> None:
    places = Places(2)
    with places.place("a", patience=0):
        with pytest.raises(Full) as own, places.place("a", patience=0):
            pass
        with places.place("b", patience=0), pytest.raises(Full) as everyone, places.place("c", patience=0):
            pass
    assert (own.value.status_code, everyone.value.status_code) == (429, 503)
    with pytest.raises(ZeroDivisionError), places.place("a", patience=0):
        raise ZeroDivisionError
    with places.place("a", patience=0), places.place("c", patience=0):
        pass
