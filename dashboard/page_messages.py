"""The messages that browsers send over the WebSocket of a page: those of Segue's pages, and no others.

Streamlit also takes those of its development tools from anybody: to empty the caches, which all visitors
share, and to tell the state of the code's repository. And it takes a page's widgets in any number, which it
compares while everybody waits, and messages as fast as they come, each of which runs the page again.

All pages share the lock of the interpreter. So the pages of a network run a few at a time, and a page does
not run again before its visitor has read what it has sent: Streamlit would keep all of it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

import anyio
from google.protobuf.message import DecodeError  # type: ignore[import-untyped]
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from starlette.websockets import WebSocketDisconnected
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

from segue.people.newcomers import limited_network

PATH = "/_stcore/stream"
LARGEST = 2**18
"""Bytes of a message; the largest of Segue's pages has some kilobytes."""
MOST_WIDGETS = 2_000
"""Widgets and triggers of a page; the largest has some hundred."""
BURST, A_SECOND = 100, 10.0
"""The messages of a page at once, and in the long run. Further ones wait; a hand on a slider sends fewer."""
RUNNING = 2
"""The pages of a network that run at a time. More would take as long, and so would those of others: all share
the interpreter, for which each read of the database waits anew."""
LONGEST_RUN = 10.0
"""Seconds after which a page leaves its place to others, such as one that waits for another server."""
UNREADABLE = 1003
"""The code with which a connection is closed that sends anything else (RFC 6455)."""
_LARGEST_END = 512
"""Bytes of the message that a page has run; others are not looked at."""
TAKEN = frozenset(
    {"rerun_script", "stop_script", "app_heartbeat", "file_urls_request", "backend_operation_request"}
)
"""The kinds of messages that pages need."""


class PageMessages:
    """ASGI middleware: leaves out the other messages, as if they had not been sent, and slows too many.

    Data that are no message at all close the connection. Visitors from this machine are not limited by
    network, as with other limits.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._lines: dict[str, _Line] = {}
        """By network."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "websocket" or scope["path"] != PATH:
            await self._app(scope, receive, send)
            return
        network = limited_network((scope.get("client") or ("",))[0])
        if network is None:
            await self._connected(_Page(None), scope, receive, send)
            return
        line = self._lines.setdefault(network, _Line())
        line.pages += 1
        try:
            await self._connected(_Page(line), scope, receive, send)
        finally:
            line.pages -= 1
            if not line.pages:
                del self._lines[network]

    async def _connected(self, page: _Page, scope: Scope, receive: Receive, send: Send) -> None:
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
                    if sent.WhichOneof("type") == "rerun_script":
                        await page.may_run()
                    return message

        async def sending(message: Message) -> None:
            if not ended:
                with page.unread():
                    await send(message)
                if _ends_run(message.get("bytes")):
                    page.leave()

        try:
            with suppress(WebSocketDisconnected):  # Streamlit closes one that its visitor has closed
                await self._app(scope, taken, sending)
        finally:
            page.leave()


@dataclass
class _Line:
    """The pages of a network, of which a few run at a time."""

    places: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(RUNNING))
    pages: int = 0


class _Page:
    """A page that is open: whether it may run, and whether its visitor has read what it has sent."""

    def __init__(self, line: _Line | None) -> None:
        self._line = line
        self._read = asyncio.Event()
        self._read.set()
        self._leaving: asyncio.TimerHandle | None = None
        """While it has a place."""

    async def may_run(self) -> None:
        """Wait until the page may run; it has a place then, until :meth:`leave`."""
        while not self._read.is_set():
            await self._read.wait()
        if self._line is None or self._leaving is not None:
            return
        await self._line.places.acquire()
        self._leaving = asyncio.get_running_loop().call_later(LONGEST_RUN, self.leave)

    def leave(self) -> None:
        """Leave the place, if the page has one."""
        if self._line is not None and self._leaving is not None:
            self._leaving.cancel()
            self._leaving = None
            self._line.places.release()

    @contextmanager
    def unread(self) -> Iterator[None]:
        """Within it, a message waits to be read."""
        self._read.clear()
        try:
            yield
        finally:
            self._read.set()


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


def _ends_run(data: bytes | None) -> bool:
    """Whether a message tells a browser that its page has run, and does not run again at once."""
    if data is None or len(data) > _LARGEST_END:
        return False
    sent = ForwardMsg.FromString(data)
    if sent.WhichOneof("type") != "script_finished":
        return False
    return bool(sent.script_finished != ForwardMsg.FINISHED_EARLY_FOR_RERUN)
