"""A visitor's WebSocket does not fill the memory, with what it sends or with what it does not read."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field

import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.routing import WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from segue.dashboard.connections import MOST_PARTS, PatientWebSocket
from tests.waiting import PATIENCE, until

LARGE = 2**20


@dataclass
class Server:
    """A server whose connections take the first message, and the others when they may."""

    port: int = 0
    found: list[PatientWebSocket] = field(default_factory=list)
    may_go_on: threading.Event = field(default_factory=threading.Event)

    async def take(self, page: WebSocket) -> None:
        await page.accept()
        with suppress(WebSocketDisconnect):
            await page.send_bytes(await page.receive_bytes())
            await asyncio.to_thread(self.may_go_on.wait)
            while True:
                await page.send_bytes(await page.receive_bytes())

    @property
    def kept(self) -> PatientWebSocket:
        """The only connection."""
        [own] = self.found
        return own


@pytest.fixture
def server() -> Iterator[Server]:
    made = Server()

    class Noted(PatientWebSocket):
        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            made.found.append(self)
            super().connection_made(transport)

    app = Starlette(routes=[WebSocketRoute("/", made.take)])
    config = uvicorn.Config(app, ws=Noted, ws_max_size=LARGE, log_config=None, lifespan="off")
    running = uvicorn.Server(config)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        made.port = listener.getsockname()[1]
        thread = threading.Thread(target=running.run, kwargs={"sockets": [listener]})
        thread.start()
        yield made
        made.may_go_on.set()
        running.should_exit = True
        thread.join()


def opened(server: Server, *, compression: str | None = "deflate") -> ClientConnection:
    address = f"ws://127.0.0.1:{server.port}/"
    return connect(address, compression=compression, max_size=None, open_timeout=PATIENCE, ping_interval=None)


def send(page: ClientConnection) -> None:
    """Send what the protocol has to send, all at once."""
    page.socket.sendall(b"".join(page.protocol.data_to_send()))


def test_compressed_messages_wait_as_they_were_sent(server: Server) -> None:
    """Sixty messages in sixty kilobytes became sixty megabytes, and sixty connections all of the memory."""
    number = 60
    with opened(server) as page:
        for place in range(number):
            page.protocol.send_binary(bytes([place]) * LARGE)
        send(page)
        until(lambda: bool(server.kept.queue.qsize()), "the second message")
        most = 0

        def all_has_arrived() -> bool:
            nonlocal most
            most = max(most, server.kept.queue.qsize())
            return len(server.kept._rest) > number * 1000 // 2

        until(all_has_arrived, "the data of the others")
        assert most <= 2
        server.may_go_on.set()
        for place in range(number):
            assert page.recv(timeout=PATIENCE) == bytes([place]) * LARGE


def test_a_visitor_who_reads_no_answers_to_pings_is_not_read_either(server: Server) -> None:
    with socket.socket() as own:
        own.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        own.connect(("127.0.0.1", server.port))
        own.sendall(
            b"GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
            b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
        )
        until(lambda: bool(server.found) and server.kept.handshake_complete, "the connection")
        ping = b"\x89\xfd\0\0\0\0" + b"x" * 125
        own.setblocking(False)
        most = 200_000_000 // len(ping)
        for _ in range(0, most, 1000):
            try:
                own.send(ping * 1000)
            except BlockingIOError:
                break
        else:
            raise AssertionError("the server has read 200 MB of pings, and keeps the answers")
        until(lambda: not server.kept.transport.is_reading(), "the server to pause")
        assert len(server.kept._rest) <= 2**20
        # Whoever reads the answers goes on.
        own.settimeout(PATIENCE)
        while not server.kept.transport.is_reading():
            assert own.recv(2**16)


def test_a_message_has_a_limited_number_of_parts(server: Server) -> None:
    """Empty ones have no size."""
    with opened(server) as page:
        page.protocol.send_binary(b"", fin=False)
        for _ in range(MOST_PARTS):
            page.protocol.send_continuation(b"", fin=False)
        send(page)
        with pytest.raises(ConnectionClosed) as closed:
            page.recv(timeout=PATIENCE)
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 1009
    assert not server.kept.frames


def test_messages_arrive_in_their_order_whatever_their_size(server: Server) -> None:
    server.may_go_on.set()
    sizes = [0, 1, 125, 126, 1023, 1024, 1025, 65_536, LARGE]
    for compression in ("deflate", None):
        with opened(server, compression=compression) as page:
            for size in sizes:
                page.send(b"x" * size)
            assert [len(page.recv(timeout=PATIENCE)) for _ in sizes] == sizes
