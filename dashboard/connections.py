"""uvicorn's side of connections: those without a request are closed, and refused ones are not errors."""

from __future__ import annotations

import asyncio
import logging

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

HEADER_SECONDS = 30.0
"""How long the line and the headers of a request may take. uvicorn has no limit of its own."""

_REFUSED = "ASGI callable returned without completing handshake."
"""uvicorn's error for each WebSocket that is answered with a status, such as the 503 of a full server."""


def leave_out_refusals() -> None:
    """Keep uvicorn from logging an error for each WebSocket that is refused."""
    logging.getLogger("uvicorn.error").addFilter(_is_no_refusal)


def _is_no_refusal(record: logging.LogRecord) -> bool:
    return record.msg != _REFUSED


class PromptProtocol(H11Protocol):
    """uvicorn's protocol, with a limit on the time from a connection, or a first byte, to complete headers.

    A connection takes a descriptor (:mod:`segue.dashboard.capacity`).

    Between two requests, uvicorn's `timeout_keep_alive` applies. Bodies have a limit of their own
    (:func:`segue.dashboard.api.requests.parts`). A WebSocket gets another protocol.
    """

    _waiting: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._wait()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self.conn.their_state is not h11.IDLE:
            self._stop_waiting()
        elif self._waiting is None:
            self._wait()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_waiting()
        super().connection_lost(exc)

    def _wait(self) -> None:
        self._waiting = self.loop.call_later(HEADER_SECONDS, self._give_up)

    def _stop_waiting(self) -> None:
        if self._waiting is not None:
            self._waiting.cancel()
            self._waiting = None

    def _give_up(self) -> None:
        self._waiting = None
        if self.conn.their_state is h11.IDLE and self.transport.get_protocol() is self:
            self.transport.close()
