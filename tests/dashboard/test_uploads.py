"""Files that visitors send to a page: none fills the server's memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import anyio
import pytest
from pymongo.database import Database
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from starlette.testclient import TestClient
from starlette.types import Message, Scope
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from segue.dashboard import slow_bodies
from segue.dashboard.uploads import Limits, Uploads
from segue.people.login_sessions import COOKIE, LoginSessions
from segue.storage.mongo import Document
from segue.storage.store import Store
from tests.asynchronous import run

pytestmark = pytest.mark.integration
Pages = dict[str, list[int]]


@pytest.fixture
def held() -> Pages:
    """The sizes of the files that are kept, by page."""
    return {}


@pytest.fixture
def put(database: Database[Document], held: Pages) -> Iterator[Callable[..., int]]:
    """Sends a file of a size for a page; its status."""

    async def keep(request: Request) -> PlainTextResponse:
        held.setdefault(request.path_params["page"], []).append(len(await request.body()))
        return PlainTextResponse("kept")

    sessions = LoginSessions(Store(database))
    tokens = {
        "guest": sessions.open(),
        "ada": sessions.open(user_id="ada", name="Ada"),
        "nobody": "no such token",
    }
    limits = {
        "guests": Limits(file=100, page=150, files=3, everyone=400),
        "accounts": Limits(file=1000, page=2000, files=3, everyone=3000),
    }
    layers = [Middleware(Uploads, login_sessions=sessions, held=lambda: held, **limits)]
    routes = [Route("/_stcore/upload_file/{page}/{file}", keep, methods=["PUT", "DELETE"])]
    inner: Any = Starlette(routes=routes, middleware=layers)
    app: Any = ProxyHeadersMiddleware(inner, trusted_hosts="*")
    with TestClient(app) as client:

        def send(page: str, size: int, *, by: str = "guest", network: int = 1) -> int:
            cookie = {"Cookie": f"{COOKIE}={tokens[by]}", "X-Forwarded-For": f"203.0.113.{network}"}
            sent = client.put(f"/_stcore/upload_file/{page}/f", content=b"x" * size, headers=cookie)
            return int(sent.status_code)

        yield send


def test_a_guest_sends_small_files_and_an_account_larger_ones(put: Callable[..., int]) -> None:
    assert put("one", 100) == 200
    assert put("one", 101) == 413
    assert put("two", 1000, by="ada") == 200
    assert put("two", 1001, by="ada") == 413


def test_a_page_keeps_so_many_bytes_and_files(put: Callable[..., int], held: Pages) -> None:
    assert [put("one", 80), put("one", 80)] == [200, 413]
    assert [put("two", 1) for _ in range(4)] == [200, 200, 200, 413]
    held.clear()  # the page was closed
    assert put("one", 80) == 200


def test_guests_leave_room_for_those_with_accounts(put: Callable[..., int]) -> None:
    sent = [put(f"page {n}", 100, network=n) for n in range(6)]
    assert sent == [200, 200, 200, 200, 503, 503]
    assert put("ada's", 1000, by="ada") == 200


def test_one_network_leaves_room_for_others(put: Callable[..., int], held: Pages) -> None:
    """With several pages, one visitor kept everybody else from sending files."""
    assert [put(f"page {n}", 100) for n in range(4)] == [200, 200, 429, 429]
    assert [put(f"other's {n}", 100, network=2) for n in range(2)] == [200, 200]
    assert [put(f"ada's {n}", 1000, by="ada") for n in range(2)] == [200, 429]
    assert put("ada elsewhere", 1000, by="ada", network=2) == 200
    del held["page 0"]  # it was closed
    assert put("page 5", 100) == 200


def test_without_a_session_or_a_size_nothing_is_read(put: Callable[..., int]) -> None:
    assert put("one", 1, by="nobody") == 401


def test_a_body_without_a_size_is_refused(database: Database[Document], held: Pages) -> None:
    sessions = LoginSessions(Store(database))
    client = TestClient(
        Starlette(middleware=[Middleware(Uploads, login_sessions=sessions, held=lambda: held)])
    )
    cookie = {"Cookie": f"{COOKIE}={sessions.open()}"}
    sent = client.put("/_stcore/upload_file/page/f", content=iter([b"x" * 10]), headers=cookie)
    assert sent.status_code == 411
    # A server goes by the parts of the body, whatever size is announced.
    announced = cookie | {"Content-Length": "1", "Transfer-Encoding": "chunked"}
    sent = client.put("/_stcore/upload_file/page/f", content=b"x" * 10, headers=announced)
    assert sent.status_code == 411


def test_a_body_that_stalls_gives_its_place_back(
    database: Database[Document], held: Pages, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(slow_bodies, "GRACE_SECONDS", 0.2)

    async def keep(request: Request) -> PlainTextResponse:
        await request.body()
        return PlainTextResponse("kept")

    async def stalled() -> Message:
        await anyio.sleep_forever()
        raise AssertionError

    async def sent() -> list[Message]:
        messages: list[Message] = []

        async def send(message: Message) -> None:
            messages.append(message)

        await app(scope, stalled, send)
        return messages

    sessions = LoginSessions(Store(database))
    guests = Limits(file=100, page=150, files=3, everyone=200)
    app = Starlette(
        routes=[Route("/_stcore/upload_file/{page}/{file}", keep, methods=["PUT"])],
        middleware=[Middleware(Uploads, login_sessions=sessions, held=lambda: held, guests=guests)],
    )
    headers = [(b"content-length", b"90"), (b"cookie", f"{COOKIE}={sessions.open()}".encode())]
    scope: Scope = {
        "type": "http",
        "method": "PUT",
        "path": "/_stcore/upload_file/page/f",
        "headers": headers,
        "query_string": b"",
    }
    # The second would have no room beside the first.
    assert [run(sent)[0]["status"] for _ in range(2)] == [408, 408]
