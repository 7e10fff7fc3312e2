"""The service without pages, `api serve`: connections that send nothing, and too many of them."""

from __future__ import annotations

import socket
import threading

import pytest
import uvicorn
from starlette.testclient import TestClient

from segue import logs
from segue.dashboard import capacity, connections
from segue.dashboard.opensubsonic.serve import make_app, server_config
from segue.settings import Settings
from segue.storage.store import Store
from tests.waiting import PATIENCE

pytestmark = pytest.mark.integration


@pytest.fixture(autouse=True)
def no_logs(monkeypatch: pytest.MonkeyPatch) -> None:
    """The process of the tests keeps its logs."""
    monkeypatch.setattr(logs, "configure", lambda *_, **__: None)


def test_half_a_request_is_given_up(
    library: Store, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It kept its connection for ever."""
    monkeypatch.setattr(connections, "HEADER_SECONDS", 0.5)
    config = server_config(settings, processes=1)
    config.app, config.factory = make_app(settings), False
    server = uvicorn.Server(config)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        with socket.create_connection(listener.getsockname(), timeout=PATIENCE) as client:
            client.sendall(b"GET /rest/ping HTTP/1.1\r\nHost: x\r\n")
            assert client.recv(4096) == b""
        monkeypatch.setattr(connections, "HEADER_SECONDS", PATIENCE)
        with socket.create_connection(listener.getsockname(), timeout=PATIENCE) as client:
            client.sendall(b"GET /rest/ping HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            assert client.recv(4096).startswith(b"HTTP/1.1 200")
        server.should_exit = True
        thread.join()


def test_without_room_for_a_call_it_is_refused(
    library: Store, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The process ran out of descriptors, and could not even accept a connection to refuse it."""
    with TestClient(make_app(settings)) as app:
        assert app.get("/rest/ping").status_code == 200
        monkeypatch.setattr(capacity.Descriptors, "has_room", lambda _self: False)
        for path in ("/rest/ping?f=json", "/rest/ping", "/1/validate-token"):
            answer = app.get(path, headers={"Origin": "https://player.example"})
            assert (answer.status_code, answer.headers["Retry-After"]) == (503, "30")
            assert answer.headers["Access-Control-Allow-Origin"] == "*", "a web app reads why"
        assert app.get("/rest/ping?f=json").json()["subsonic-response"]["error"]["code"] == 0
        assert 'status="failed"' in app.get("/rest/ping").text
        assert app.get("/1/validate-token").json()["code"] == 503
