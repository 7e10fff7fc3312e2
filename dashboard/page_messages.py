"""The messages that browsers send over the WebSocket of a page: those of Segue's pages, and no others.

Streamlit also takes those of its development tools from anybody: to empty the caches, which all visitors
share, and to tell the state of the code's repository. And it takes a page's widgets in any number, which it
compares while everybody waits, and messages as fast as they come, each of which runs the page again.
"""

from __future__ import annotations

from contextlib import suppress

import anyio
from google.protobuf.message import DecodeError  # type: ignore[import-untyped]
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from starlette.websockets import WebSocketDisconnected
from streamlit.proto.BackMsg_pb2 import BackMsg

PATH = "/_stcore/stream"
LARGEST = 2**20
"""Bytes of a message."""
MOST_WIDGETS = 2_000
"""Widgets and triggers of a page; the largest has some hundred."""
BURST, A_SECOND = 100, 10.0
"""The messages of a page at once, and in the long run. Further ones wait; a hand on a slider sends fewer."""
UNREADABLE = 1003
"""The code with which a connection is closed that sends anything else (RFC 6455)."""
TAKEN = frozenset(
    {"rerun_script", "stop_script", "app_heartbeat", "file_urls_request", "backend_operation_request"}
)
"""The kinds of messages that pages need."""


class PageMessages:
    """ASGI middleware: leaves out the other messages, as if they had not been sent, and slows too many.

    Data that are no message at all close the connection.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "websocket" or scope["path"] != PATH:
            await self._app(scope, receive, send)
            return

        pace, ended = _Pace(), False

        async def taken() -> Message:
            nonlocal ended
            while True:
                message = await receive()
                if message["type"] != "websocket.receive":
                    return message
                await anyio.sleep(pace.next(anyio.current_time()))
                sent = _message(message.get("bytes"))
                if sent is None:
                    # Streamlit would log an error of fifty lines for each.
                    ended = True
                    await send({"type": "websocket.close", "code": UNREADABLE})
                    return {"type": "websocket.disconnect", "code": UNREADABLE}
                if _is_taken(sent):
                    return message

        async def sending(message: Message) -> None:
            if not ended:
                await send(message)

        with suppress(WebSocketDisconnected):  # Streamlit closes one that its visitor has closed
            await self._app(scope, taken, sending)


class _Pace:
    """When the next message of a page is taken."""

    def __init__(self) -> None:
        self._paid_until = float("-inf")
        """The time until which the messages so far last, at the pace of the long run."""

    def next(self, now: float) -> float:
        """The seconds until the next message is taken."""
        self._paid_until = max(self._paid_until, now - BURST / A_SECOND) + 1 / A_SECOND
        return max(0.0, self._paid_until - now)


def _message(data: bytes | None) -> BackMsg | None:
    """The message of a browser; None if it is a text, or nothing of Streamlit's."""
    try:
        return None if data is None else BackMsg.FromString(data)
    except DecodeError:
        return None


def _is_taken(message: BackMsg) -> bool:
    return (
        message.WhichOneof("type") in TAKEN
        and len(message.rerun_script.widget_states.widgets) <= MOST_WIDGETS
    )
