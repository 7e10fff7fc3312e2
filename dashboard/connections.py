"""uvicorn's side of connections: those without a request are closed.

A visitor who opens many connections and sends no request closes the oldest of these, and no other connection.
The same holds for a network that asks for many answers and does not read them. The connection of a page keeps
little of what its visitor sends at once, or does not read.
"""

from __future__ import annotations

import asyncio
from typing import ClassVar

import h11
from uvicorn._types import ASGIReceiveEvent
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.frames import CloseCode, Frame

from segue.people.newcomers import limited_network

HEADER_SECONDS = 30.0
"""How long the line and the headers of a request may take. uvicorn has no limit of its own."""
MOST_WAITING = 200
"""The connections of a process whose request is not complete; a browser opens some before it has one."""
MOST_UNREAD = 200
"""The connections of a network whose visitors do not read the answer. A paused player has one of them."""
PIECE = 1024
"""The bytes of a WebSocket that are read at a time: compressed, they can be a megabyte of messages."""
MOST_PARTS = 1000
"""Of a message; a browser sends a few."""


class PromptProtocol(H11Protocol):
    """uvicorn's protocol, with a limit on the time from a connection, or a first byte, to complete headers.

    A connection takes a descriptor (:mod:`segue.dashboard.capacity`).

    The limit also applies to the rest of a body after the answer. Before the answer, bodies have a limit of
    their own (:func:`segue.dashboard.api.requests.parts`). Between two requests, uvicorn's
    `timeout_keep_alive` applies. A WebSocket gets another protocol.
    """

    _waiting: asyncio.TimerHandle | None = None
    _all_waiting: ClassVar[dict[PromptProtocol, None]] = {}
    """Those of the process, the longest waiting first; of its event loop only."""

    _all_unread: ClassVar[dict[str, dict[PromptProtocol, None]]] = {}
    """By network, the longest unread first."""
    _network: str | None = None
    """The network under which this connection is unread."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._wait()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if not self._is_awaited():
            self._stop_waiting()
        elif self._waiting is None:
            self._wait()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        # uvicorn's own limit ends with the next byte of the body, and does not begin again.
        if self._has_rest() and self._waiting is None:
            self._wait()

    def _has_rest(self) -> bool:
        """Whether a request is answered and a part of its body is still to come."""
        return self.conn.our_state is h11.DONE and self.conn.their_state is h11.SEND_BODY

    def _is_awaited(self) -> bool:
        """Whether the next request is still to come, or the rest of a body that nothing waits for."""
        return self.conn.their_state is h11.IDLE or self._has_rest()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_waiting()
        self._note_read()
        super().connection_lost(exc)

    def pause_writing(self) -> None:
        super().pause_writing()
        # Behind a trusted proxy, the request has the visitor's address.
        client = self.scope["client"] if self.cycle is not None else self.client
        network = limited_network(client[0]) if client else None
        if network is None or self._network is not None:
            return
        self._network = network
        unread = self._all_unread.setdefault(network, {})
        unread[self] = None
        if len(unread) > MOST_UNREAD:
            oldest = next(iter(unread))
            oldest._note_read()
            oldest.transport.abort()  # to close it would wait until the answer is read

    def resume_writing(self) -> None:
        super().resume_writing()
        self._note_read()

    def _note_read(self) -> None:
        if self._network is None:
            return
        unread = self._all_unread[self._network]
        unread.pop(self, None)
        if not unread:
            del self._all_unread[self._network]
        self._network = None

    def _wait(self) -> None:
        self._waiting = self.loop.call_later(HEADER_SECONDS, self._give_up)
        self._all_waiting[self] = None
        if len(self._all_waiting) > MOST_WAITING:
            next(iter(self._all_waiting))._give_up()

    def _stop_waiting(self) -> None:
        if self._waiting is not None:
            self._waiting.cancel()
            self._waiting = None
            self._all_waiting.pop(self, None)

    def _give_up(self) -> None:
        self._stop_waiting()
        if self._is_awaited() and self.transport.get_protocol() is self:
            self.transport.close()


class PatientWebSocket(WebSocketsSansIOProtocol):
    """uvicorn's WebSocket, which keeps little of what a visitor sends or does not read.

    uvicorn pauses a visitor who sends a message before the last one is taken, but only after it has read all
    that has arrived. A few kilobytes are hundreds of the largest messages, if they are compressed, or a
    hundred pings, whose answers wait for a visitor who reads none. So the data are read in pieces, between
    which others have their turn, and only while there is room for messages and answers.
    """

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._rest = bytearray()
        """What has arrived and was not read yet."""
        self._reading: asyncio.Handle | None = None
        """The next reading of a piece."""
        super().connection_made(transport)

    def connection_lost(self, exc: Exception | None) -> None:
        self._rest.clear()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        self._rest += data
        if self._reading is None:
            self._read()

    def _read(self) -> None:
        """Read a piece, if there is room, and see to the next one."""
        self._reading = None
        if self.transport.is_closing():
            self._rest.clear()
            return
        if self._rest and self._has_room():
            piece = bytes(self._rest[:PIECE])
            del self._rest[:PIECE]
            super().data_received(piece)
        if self._rest:
            self.transport.pause_reading()
            if self._has_room():
                self._reading = self.loop.call_soon(self._read)
        elif self._has_room():
            self.transport.resume_reading()

    def _has_room(self) -> bool:
        return not self.read_paused and self.writable.is_set()

    def resume_writing(self) -> None:
        super().resume_writing()
        self._go_on()

    async def receive(self) -> ASGIReceiveEvent:
        message = await super().receive()
        self._go_on()
        return message

    def _go_on(self) -> None:
        if self._reading is None:
            self._read()

    def pause_writing(self) -> None:
        super().pause_writing()
        self.transport.pause_reading()

    def handle_cont(self, event: Frame) -> None:
        if len(self.frames) >= MOST_PARTS:  # empty ones do not count towards the size
            self.frames = []
            self.conn.fail(CloseCode.MESSAGE_TOO_BIG)
            self.handle_parser_exception()
            return
        super().handle_cont(event)
