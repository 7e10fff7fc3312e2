"""The dashboard's metrics, and its health."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from types import SimpleNamespace
from typing import cast

import pytest
import uvicorn
from pymongo.database import Database
from pymongo.errors import AutoReconnect
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route, WebSocketRoute
from starlette.testclient import TestClient
from starlette.websockets import WebSocket

from segue.dashboard.app import make_middleware, make_routes
from segue.dashboard.metrics import DashboardMetrics, Measured
from segue.dashboard.serve import _Server
from segue.dashboard.services import Services
from segue.people.login_sessions import COOKIE
from segue.storage.availability import Availability
from segue.storage.mongo import Document
from segue.storage.store import Store
from tests.asynchronous import run
from tests.dashboard.test_player_routes import a_play, envelope
from tests.waiting import until


@pytest.fixture
def client(library: Database[Document], services: Services) -> TestClient:
    app = Starlette(routes=make_routes(services), middleware=make_middleware(services))
    client = TestClient(app)
    client.cookies.set(COOKIE, services.login_sessions.open(user_id="ada", name="Ada"))
    return client


def value(metrics: DashboardMetrics, name: str, **labels: str) -> float:
    return metrics.registry.get_sample_value(name, labels) or 0.0


def test_requests_are_counted_by_the_path_of_their_route(client: TestClient, services: Services) -> None:
    for track in ("t1", "t2"):
        assert client.get(f"/api/tickets/{track}").status_code == 200
    assert client.get("/api/audio/t1?t=forged").status_code == 403
    client.request("TEAPOT", "/api/upcoming")
    client.get("/nowhere/at/all")
    requests = {
        (sample.labels["method"], sample.labels["route"], sample.labels["status"]): sample.value
        for family in services.metrics.requests.collect()
        for sample in family.samples
        if sample.name.endswith("_total")
    }
    assert requests[("GET", "/api/tickets/{track_id}", "200")] == 2
    assert requests[("GET", "/api/audio/{track_id}", "403")] == 1
    assert requests[("other", "/api/upcoming", "405")] == 1
    assert {route for _, route, _ in requests} <= {"streamlit", *(r.path for r in make_routes(services))}
    assert value(services.metrics, "segue_http_request_seconds_count", route="/api/tickets/{track_id}") == 2


def test_a_kafka_that_is_away_and_the_outbox_are_counted(client: TestClient, services: Services) -> None:
    answer = client.post("/api/events", json={**envelope(a_play()), "waiting": 300})
    assert answer.status_code == 503
    assert value(services.metrics, "segue_kafka_errors_total") == 1
    assert value(services.metrics, "segue_outbox_events_bucket", le="200.0") == 0
    assert value(services.metrics, "segue_outbox_events_bucket", le="500.0") == 1


def test_streams_and_pages_are_counted_while_they_are_open() -> None:
    metrics, seen = DashboardMetrics(), []

    async def audio(request: Request) -> Response:
        async def pieces() -> AsyncIterator[bytes]:
            yield b"a"
            seen.append(value(metrics, "segue_audio_streams"))
            yield b"b"

        return StreamingResponse(pieces())

    async def page(socket: WebSocket) -> None:
        await socket.accept()
        await socket.send_text(str(value(metrics, "segue_open_pages")))
        await socket.close()

    async def broken(request: Request) -> Response:
        raise ValueError("a defect")

    routes = [Route("/api/audio/{track_id}", audio), Route("/broken", broken)]
    app = Starlette(routes=[*routes, WebSocketRoute("/page", page)])
    app.add_middleware(Measured, metrics=metrics, routes=routes)
    client = TestClient(app, raise_server_exceptions=False)
    assert client.get("/api/audio/t1").text == "ab"
    with client.websocket_connect("/page") as socket:
        assert socket.receive_text() == "1.0"
    assert client.get("/broken").status_code == 500
    assert seen == [1.0]
    until(lambda: value(metrics, "segue_open_pages") == 0, "the page is closed")
    assert value(metrics, "segue_audio_streams") == 0
    assert value(metrics, "segue_http_requests_total", method="GET", route="/broken", status="500") == 1


class _Answers:
    """Stands for a database whose server fails some pings before it answers."""

    def __init__(self, failures: int) -> None:
        self.client = self.admin = self
        self._failures = failures

    def command(self, _name: str) -> None:
        self._failures -= 1
        if self._failures >= 0:
            raise AutoReconnect("gone")


@pytest.mark.parametrize(("failures", "outages"), [(0, 0), (2, 1)])
def test_an_outage_has_one_line_at_its_beginning_and_one_at_its_end(
    failures: int, outages: int, caplog: pytest.LogCaptureFixture
) -> None:
    availability = Availability(cast("Store", SimpleNamespace(database=_Answers(failures))))
    assert not availability.failed(ValueError("a defect"))
    assert not availability.is_away
    assert availability.failed(AutoReconnect("gone, and much more"))
    if failures:
        assert all(availability.failed(AutoReconnect("gone")) for _ in range(50))
    until(lambda: not availability.is_away, "MongoDB answers")
    lines = [record.message for record in caplog.records]
    assert len(lines) == 2 * outages
    assert availability.outages == outages
    assert "much more" not in "".join(lines)


def test_a_dashboard_that_handles_no_requests_is_unhealthy(database: Database[Document]) -> None:
    server = _Server(uvicorn.Config(PlainTextResponse("")), Availability(Store(database)))
    assert server.health().status == "starting"
    run(server.on_tick, 1)
    assert server.health().status == "healthy"
    server.ran_at = time.monotonic() - 60
    assert server.health().problems == ("requests have not been handled for 60 s",)


def test_the_page_of_the_outage_tries_again_by_itself(client: TestClient, services: Services) -> None:
    services.availability._since = time.monotonic()
    page = client.get("/", headers={"accept": "text/html"})
    assert page.status_code == 503
    assert '<meta http-equiv="refresh"' in page.text
    assert client.get("/static/x.js").status_code == 404, "resources of pages need no database"
