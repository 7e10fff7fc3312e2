"""The pages that one network has open: each runs a script, so that one visitor could have all of them."""

from __future__ import annotations

from contextlib import ExitStack, suppress

import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.routing import WebSocketRoute
from starlette.testclient import TestClient, WebSocketDenialResponse
from starlette.websockets import WebSocket, WebSocketDisconnect

from segue.dashboard import capacity
from segue.dashboard.capacity import Capacity, Descriptors

STREAM = "/_stcore/stream"


async def stay(socket: WebSocket) -> None:
    await socket.accept()
    with suppress(WebSocketDisconnect):
        while True:
            await socket.receive_bytes()


@pytest.fixture
def app() -> Starlette:
    return Starlette(
        routes=[WebSocketRoute(STREAM, stay)],
        middleware=[Middleware(Capacity, descriptors=Descriptors(reserve=-(2**40)))],
    )


def opens(app: Starlette, address: str, pages: ExitStack) -> bool:
    """Whether a page of an address opens; it stays open."""
    client = pages.enter_context(TestClient(app, client=(address, 5000)))
    try:
        pages.enter_context(client.websocket_connect(STREAM))
    except WebSocketDenialResponse as refused:
        assert (refused.status_code, refused.headers["Retry-After"]) == (503, "30")
        return False
    return True


def test_a_network_has_a_number_of_open_pages(app: Starlette, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(capacity, "MOST_PAGES", 3)
    with ExitStack() as pages:
        assert [opens(app, "192.0.2.7", pages) for _ in range(5)] == [True] * 3 + [False] * 2
        assert opens(app, "192.0.2.8", pages)
        assert all(opens(app, "127.0.0.1", pages) for _ in range(5))
    with ExitStack() as pages:
        assert opens(app, "192.0.2.7", pages), "the others are closed by now"


def test_and_a_number_of_new_ones_in_a_minute(app: Starlette, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(capacity, "MOST_NEW_PAGES", 3)
    monkeypatch.setattr(capacity, "_MINUTE", float("inf"))
    opened = []
    for _ in range(5):
        with ExitStack() as pages:
            opened.append(opens(app, "2001:db8::1", pages))
    assert opened == [True] * 3 + [False] * 2
    monkeypatch.setattr(capacity, "_MINUTE", 0.0)
    with ExitStack() as pages:
        assert opens(app, "2001:db8::2", pages)
