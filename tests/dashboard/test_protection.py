"""Attacks from pages of other sites: other host names for this server, foreign connections, frames."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route, WebSocketRoute
from starlette.testclient import TestClient, WebSocketDenialResponse
from starlette.websockets import WebSocket, WebSocketDisconnect

from segue.dashboard.protection import Protected, content_policy, is_known_host
from segue.settings import DashboardSettings, Settings
from tests.dashboard.browser import Served
from tests.waiting import PATIENCE

UNREADABLE = (
    "[",
    "[::1",
    "[zz]",
    "[1.2]",
    "a b",
    "127.0.0.1/x",
    "evil.example@127.0.0.1",
    "a?b",
    "a#b",
    "é",
    "*",
)
"""Texts that are neither the name nor the address of a host."""


def dashboard(settings: Settings, **changed: Any) -> DashboardSettings:
    return settings.dashboard.model_copy(update=changed)


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1:8501",
        "[::1]:8501",
        "192.168.1.20",
        "localhost",
        "LOCALHOST.",
        "segue",
        "music.local:8501",
        "nas.lan",
        "",
    ],
)
def test_names_of_the_local_network_are_known(settings: Settings, host: str) -> None:
    assert is_known_host(host, dashboard(settings))


@pytest.mark.parametrize(
    "host",
    [
        *("evil.example", "127.0.0.1.evil.example", "localhost.evil.example:8501", "[::1", "[", "a.b:x"),
        *UNREADABLE,
    ],
)
def test_public_names_are_not(settings: Settings, host: str) -> None:
    assert not is_known_host(host, dashboard(settings))


def test_the_settings_name_public_hosts(settings: Settings) -> None:
    named = dashboard(
        settings, base_url="https://Music.example:8443", allowed_hosts=("other.example", "*.home.example")
    )
    for host in ("music.example", "MUSIC.EXAMPLE:8443", "other.example.", "a.home.example"):
        assert is_known_host(host, named), host
    for host in ("a.music.example", "x.other.example", "home.example", "evilhome.example"):
        assert not is_known_host(host, named), host


async def _page(request: Request) -> PlainTextResponse:
    own = {"X-Frame-Options": "SAMEORIGIN"} if request.url.path == "/own" else None
    return PlainTextResponse("reached", headers=own)


async def _stream(websocket: WebSocket) -> None:
    await websocket.accept()
    await websocket.send_text("reached")
    await websocket.close()


@pytest.fixture
def client(settings: Settings) -> TestClient:
    paths = ("/", "/own", "/rest/ping", "/_stcore/health", "/_stcore/{path:path}")
    routes = [
        *(Route(path, _page, methods=["GET", "POST"]) for path in paths),
        WebSocketRoute("/_stcore/stream", _stream),
    ]
    return TestClient(
        Starlette(
            routes=routes,
            middleware=[
                Middleware(Protected, settings=dashboard(settings, base_url="https://music.example"))
            ],
        )
    )


def test_another_name_for_this_server_is_refused(client: TestClient) -> None:
    refused = client.get("/", headers={"Host": "evil.example"})
    assert (refused.status_code, "dashboard.allowed_hosts" in refused.text) == (421, True)
    assert client.get("/", headers={"Host": "music.example"}).text == "reached"
    # Probes have any name; apps send credentials, and no cookie counts there.
    assert client.get("/_stcore/health", headers={"Host": "evil.example"}).text == "reached"
    assert client.get("/rest/ping", headers={"Host": "evil.example"}).text == "reached"


def test_streamlits_metrics_are_not_public(client: TestClient) -> None:
    for path in ("metrics", "script-health-check", "agent/openapi.json", "agent/interact", "agent/mcp"):
        assert client.get(f"/_stcore/{path}").status_code == 404, path
        assert client.post(f"/_stcore/{path}").status_code == 404, path


@pytest.mark.parametrize(
    ("origin", "accepted"),
    [
        ("http://testserver", True),
        ("https://music.example", True),
        (None, True),
        ("http://evil.example", False),
        ("http://localhost", False),
        ("http://[", False),
        ("null", False),
    ],
)
def test_only_own_pages_connect(client: TestClient, origin: str | None, accepted: bool) -> None:
    headers = {} if origin is None else {"Origin": origin}
    if accepted:
        with client.websocket_connect("/_stcore/stream", headers=headers) as connection:
            assert connection.receive_text() == "reached"
        return
    with (
        pytest.raises((WebSocketDisconnect, WebSocketDenialResponse)) as refused,
        client.websocket_connect("/_stcore/stream", headers=headers),
    ):
        pass
    assert getattr(refused.value, "status_code", 403) == 403


def test_every_response_has_the_headers(client: TestClient) -> None:
    for answer in (client.get("/"), client.get("/missing"), client.get("/", headers={"Host": "a.example"})):
        assert answer.headers["X-Frame-Options"] == "DENY"
        assert "frame-ancestors 'none'" in answer.headers["Content-Security-Policy"]
        assert "img-src 'self'" in answer.headers["Content-Security-Policy"]
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert client.get("/own").headers["X-Frame-Options"] == "SAMEORIGIN"
    part = client.get("/static/js/index.abc.js")
    assert part.headers["X-Content-Type-Options"] == "nosniff"
    assert "Content-Security-Policy" not in part.headers, "that of the page counts"
    assert "Content-Security-Policy" in client.get("/static/page.html").headers
    assert "X-Frame-Options" not in client.get("/rest/ping").headers


def test_the_policy_lets_only_streamlits_own_scripts_run() -> None:
    policy = dict(
        part.split(" ", 1) for part in content_policy("music.lan:8501", "https://music.example/").split("; ")
    )
    allowed = policy["script-src"].split()
    assert allowed[:3] == ["'self'", "blob:", "'wasm-unsafe-eval'"]
    assert len(allowed) > 3
    assert all(source.startswith("'sha256-") for source in allowed[3:])
    sockets = ["ws://music.lan:8501", "wss://music.lan:8501", "ws://music.example", "wss://music.example"]
    assert policy["connect-src"].split() == ["'self'", "blob:", "data:", *sockets]


@pytest.mark.parametrize("host", ["", "a; script-src *", "a b", "a,b", "a\r\nX: y", "é", "*", "x" * 9000])
def test_a_host_adds_nothing_else_to_the_policy(host: str) -> None:
    assert content_policy(host, "") == content_policy("", "")


@pytest.mark.integration
def test_the_dashboard_is_protected(served: Served) -> None:
    with httpx.Client(base_url=served.address, timeout=PATIENCE) as web:
        page = web.get("/", headers={"Accept": "text/html"})
        assert (page.status_code, page.headers["X-Frame-Options"]) == (200, "DENY")
        assert web.get("/", headers={"Host": "evil.example"}).status_code == 421
        assert web.get("/_stcore/metrics").status_code == 404
        assert web.get("/_stcore/agent/openapi.json").status_code == 404
        foreign = {
            "Connection": "Upgrade",
            "Upgrade": "websocket",
            "Sec-WebSocket-Version": "13",
            "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
            "Origin": "http://evil.example",
        }
        assert web.get("/_stcore/stream", headers=foreign).status_code == 403
        five_megabytes = b"x" * (5 << 20)
        sent = web.put("/_stcore/upload_file/page/file", content=five_megabytes)
        assert sent.status_code == 413, json.dumps(dict(sent.headers))
