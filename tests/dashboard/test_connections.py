"""Connections that send no request leave; all others stay."""

from __future__ import annotations

import logging
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack

import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket
from websockets.exceptions import ConnectionClosedError, InvalidStatus
from websockets.sync.client import connect

from segue.dashboard import connections
from segue.dashboard.capacity import Capacity, Descriptors
from segue.dashboard.connections import PromptProtocol
from tests.waiting import PATIENCE, until

SECONDS = 0.5
HEAD = b"GET / HTTP/1.1\r\nHost: x\r\n"


async def _answer(request: Request) -> PlainTextResponse:
    return PlainTextResponse("here")


async def _much(request: Request) -> Response:
    return Response(b"x" * 16_000_000)


async def _echo(socket: WebSocket) -> None:
    await socket.accept()
    async for text in socket.iter_text():
        await socket.send_text(text)


@pytest.fixture
def port(monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    monkeypatch.setattr(connections, "HEADER_SECONDS", SECONDS)
    app = Starlette(
        routes=[Route("/", _answer), Route("/much", _much), WebSocketRoute("/echo", _echo)],
        middleware=[Middleware(Capacity, descriptors=Descriptors(reserve=2**40))],
    )
    config = uvicorn.Config(app, http=PromptProtocol, log_config=None, timeout_keep_alive=round(PATIENCE))
    server = uvicorn.Server(config)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        yield listener.getsockname()[1]
        server.should_exit = True
        thread.join()


def _answered(client: socket.socket) -> bool:
    """Whether a whole answer of the page comes."""
    client.settimeout(PATIENCE)
    answer = b""
    while not answer.endswith(b"here") and (part := client.recv(4096)):
        answer += part
    return answer.startswith(b"HTTP/1.1 200")


def _newest() -> PromptProtocol | None:
    """The connection whose visitor has last stopped reading."""
    unread = list(PromptProtocol._all_unread.get("127.0.0.1", ()))
    return unread[-1] if unread else None


def _next_unread(former: PromptProtocol | None) -> PromptProtocol | None:
    """The first connection after a former one whose visitor does not read."""
    until(lambda: _newest() not in (None, former), "the next connection that is not read")
    return _newest()


def _length(client: socket.socket, most: int) -> int:
    """The bytes that come, up to a number, until the server ends the connection."""
    length = 0
    try:
        while length < most and (part := client.recv(2**20)):
            length += len(part)
    except ConnectionResetError:
        pass
    return length


def _ends(client: socket.socket) -> bool:
    """Whether the server closes the connection."""
    client.settimeout(PATIENCE)
    return client.recv(4096) == b""


@pytest.mark.parametrize("begun", [b"", b"GET", HEAD, HEAD + b"X: " + b"x" * 900])
def test_a_connection_without_a_request_is_closed(port: int, begun: bytes) -> None:
    with socket.create_connection(("127.0.0.1", port)) as client:
        client.sendall(begun)
        assert _ends(client)


def test_so_is_one_whose_second_request_does_not_come(port: int) -> None:
    with socket.create_connection(("127.0.0.1", port)) as client:
        client.sendall(HEAD + b"\r\n")
        assert _answered(client)
        client.sendall(HEAD)
        assert _ends(client)


@pytest.mark.parametrize("part", [b"", b"1"])
def test_so_is_one_whose_body_does_not_end_after_the_answer(port: int, part: bytes) -> None:
    """The first byte after the answer ended uvicorn's own limit, so that the connection stayed for ever."""
    with socket.create_connection(("127.0.0.1", port)) as client:
        client.sendall(HEAD + b"Content-Length: 9\r\n\r\n")
        assert _answered(client)
        client.sendall(part)
        assert _ends(client)


def test_a_body_that_ends_after_the_answer_is_followed_by_the_next_request(port: int) -> None:
    with socket.create_connection(("127.0.0.1", port)) as client:
        for _ in range(2):
            client.sendall(HEAD + b"Content-Length: 2\r\n\r\n")
            assert _answered(client)
            client.sendall(b"1")
            client.sendall(b"2")


def test_a_connection_waits_for_its_next_request_as_long_as_uvicorn_lets_it(port: int) -> None:
    with socket.create_connection(("127.0.0.1", port)) as client:
        for _ in range(3):
            client.sendall(HEAD)
            client.sendall(b"\r\n")
            assert _answered(client)
            time.sleep(2 * SECONDS)


def test_a_websocket_stays(port: int) -> None:
    with connect(f"ws://127.0.0.1:{port}/echo") as client:
        time.sleep(2 * SECONDS)
        client.send("still here")
        assert client.recv() == "still here"


@pytest.mark.usefixtures("spared")
def test_a_page_that_is_refused_is_no_error(port: int, caplog: pytest.LogCaptureFixture) -> None:
    with connect(f"ws://127.0.0.1:{port}/echo") as client:
        client.send([b"\xff"], text=True)
        with pytest.raises(ConnectionClosedError):
            client.recv()
    for _ in range(3):
        with pytest.raises(InvalidStatus, match="503"):
            connect(f"ws://127.0.0.1:{port}/_stcore/stream")
    time.sleep(0.2)
    # Other tests may have lowered the level of the process.
    assert [record for record in caplog.records if record.levelno > logging.INFO] == []


def test_a_network_that_does_not_read_its_answers_loses_the_oldest(
    port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each held a descriptor, and up to its whole answer in memory, for ever."""
    monkeypatch.setattr(connections, "MOST_UNREAD", 3)
    monkeypatch.setattr(connections, "limited_network", lambda address: address)
    unread = PromptProtocol._all_unread
    newest: PromptProtocol | None = None
    with ExitStack() as opened:
        clients = []
        for _ in range(5):
            clients.append(opened.enter_context(socket.create_connection(("127.0.0.1", port))))
            clients[-1].sendall(HEAD.replace(b" / ", b" /much ") + b"\r\n")
            newest = _next_unread(newest)
        for client in clients:
            client.settimeout(PATIENCE)
        assert [_length(client, 16_000_000) < 16_000_000 for client in clients] == [True] * 2 + [False] * 3
    until(lambda: not unread, "the end of all connections")


def test_many_connections_without_a_request_close_each_other(
    port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Hundreds of them held the descriptors of the process for half a minute each."""
    monkeypatch.setattr(connections, "HEADER_SECONDS", 2 * PATIENCE)
    monkeypatch.setattr(connections, "MOST_WAITING", 3)
    with ExitStack() as opened:
        busy = opened.enter_context(socket.create_connection(("127.0.0.1", port)))
        busy.sendall(HEAD + b"\r\n")
        assert _answered(busy)
        idle = [opened.enter_context(socket.create_connection(("127.0.0.1", port))) for _ in range(6)]
        assert all(_ends(client) for client in idle[:3])
        for client in (idle[-1], busy):
            client.sendall(HEAD + b"\r\n")
            assert _answered(client)
