"""More visitors than a small machine has descriptors for: the last are refused, and nobody else notices."""

from __future__ import annotations

import http.client
import re
import resource
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from pymongo.database import Database
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.responses import PlainTextResponse
from starlette.routing import Route, WebSocketRoute
from starlette.testclient import TestClient, WebSocketDenialResponse
from starlette.websockets import WebSocket
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect
from websockets.typing import Origin

from segue.dashboard.capacity import RETRY_SECONDS, Capacity, Descriptors
from segue.settings import Settings
from segue.storage.mongo import Document
from tests.dashboard.browser import Served
from tests.waiting import PATIENCE, until

LIMIT = 320
pytestmark = pytest.mark.integration


@pytest.fixture
def small(settings: Settings, library: Database[Document], tmp_path: Path) -> Iterator[Served]:
    """A dashboard that may open 320 files."""
    dashboard = Served(settings, log=tmp_path / "dashboard.log")
    dashboard.start(STREAMLIT_SERVER_DISCONNECTED_SESSION_TTL="1")
    resource.prlimit(dashboard.pid, resource.RLIMIT_NOFILE, (LIMIT, LIMIT))
    yield dashboard
    dashboard.end()


def get(served: Served, path: str = "/", **headers: str) -> http.client.HTTPResponse:
    connection = http.client.HTTPConnection("127.0.0.1", served.port, timeout=PATIENCE)
    connection.request("GET", path, headers=headers)
    response = connection.getresponse()
    response.read()
    connection.close()
    return response


def visit(served: Served, pages: ExitStack) -> int:
    """Open a page as a browser does: 200, or the status that refused it."""
    page = get(served, accept="text/html")
    if page.status != 200:
        time.sleep(0.02)  # others leave meanwhile, or have opened their descriptors
        return page.status
    cookie = (page.headers["set-cookie"] or "").partition(";")[0]
    try:
        connection = connect(
            f"ws://127.0.0.1:{served.port}/_stcore/stream",
            origin=Origin(f"http://127.0.0.1:{served.port}"),
            additional_headers={"Cookie": cookie},
            open_timeout=PATIENCE,
            ping_interval=None,
        )
        pages.enter_context(connection)
    except InvalidStatus as refused:
        return refused.response.status_code
    return 200


def open_files(served: Served) -> int:
    return sum(1 for _ in Path(f"/proc/{served.pid}/fd").iterdir())


def test_visitors_are_refused_before_the_limit_and_descriptors_come_back(
    small: Served, tmp_path: Path
) -> None:
    alone = open_files(small)
    with ExitStack() as pages:
        statuses = [visit(small, pages) for _ in range(110)]
        assert set(statuses) == {200, 503}
        assert 30 < statuses.count(200) < 80
        assert open_files(small) < LIMIT
        # The descriptors of refused visitors come back and leave room for one more.
        while (refused := get(small, accept="text/html")).status == 200:
            assert visit(small, pages) in {200, 503}
            assert open_files(small) < LIMIT
        assert (refused.status, refused.headers["Retry-After"]) == (503, str(RETRY_SECONDS))
        # Those who are there are served: their player asks for tracks and sends plays.
        assert get(small, "/api/covers/" + "ab" * 32).status == 200
        assert get(small, "/_stcore/health").status == 200
    until(lambda: open_files(small) < alone + 40, "the descriptors of visitors who have left to be closed")
    with ExitStack() as pages:
        assert visit(small, pages) == 200
    assert not re.search("Too many open files|Traceback", (tmp_path / "dashboard.log").read_text())


async def _page(_request: object) -> PlainTextResponse:
    return PlainTextResponse("page")


async def _stream(websocket: WebSocket) -> None:
    await websocket.accept()
    await websocket.close()


@pytest.fixture
def full() -> TestClient:
    """An application that always lacks room."""

    class Full(Descriptors):
        def has_room(self) -> bool:
            return False

    routes = [Route("/", _page), Route("/api/upcoming", _page), WebSocketRoute("/_stcore/stream", _stream)]
    return TestClient(Starlette(routes=routes, middleware=[Middleware(Capacity, descriptors=Full())]))


def test_a_refused_visitor_gets_a_page_that_tries_again(full: TestClient) -> None:
    page = full.get("/", headers={"accept": "text/html,*/*"})
    assert page.status_code == 503
    assert page.headers["retry-after"] == str(RETRY_SECONDS)
    assert f'http-equiv="refresh" content="{RETRY_SECONDS}"' in page.text
    assert "full at the moment" in page.text
    with pytest.raises(WebSocketDenialResponse) as refused, full.websocket_connect("/_stcore/stream"):
        pass
    assert (refused.value.status_code, refused.value.headers["retry-after"]) == (503, str(RETRY_SECONDS))


def test_visitors_who_are_there_go_on_without_room_for_others(full: TestClient) -> None:
    assert full.get("/api/upcoming").text == "page"


def test_room_is_counted_from_the_limit() -> None:
    limit, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    assert Descriptors(reserve=0).has_room()
    assert not Descriptors(reserve=limit).has_room()


def test_a_crowd_between_two_counts_is_counted() -> None:
    limit, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    free = limit - sum(1 for _ in Path("/dev/fd").iterdir())
    descriptors = Descriptors(reserve=free - 41)  # room for about ten visitors
    let_in = 0
    while descriptors.has_room():
        descriptors.let_in()
        let_in += 1
        assert let_in < 30
    assert let_in > 5
