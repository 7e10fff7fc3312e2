"""The requests of a network take turns: a few are at work at a time, and the next ones wait for them.

All requests share the threads that read the database. The requests of one visitor, hundreds at once, would be
before everybody else's there.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from dataclasses import dataclass, field

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from segue.dashboard.problems import is_developers, problem
from segue.dashboard.retry_after import retry_after
from segue.people.newcomers import limited_network

AT_WORK = 12
"""Of a network, until their answers begin; the shared threads are 40."""
MOST_WAITING = 300
"""Of a network; further ones are refused."""
_WAITING_FOR_SOUND = re.compile(
    r"/(api|s/[^/]+)/audio/[^/]+|/rest/(stream|download|getTranscodeStream)(\.view)?"
)
"""Paths of recordings, whose conversion can take a while to begin, in threads of its own."""
_FULL = "too many requests at once: wait for the first answers"


@dataclass
class _Line:
    """The requests of a network."""

    places: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(AT_WORK))
    requests: int = 0


class Turns:
    """ASGI middleware. Visitors from this machine are not limited, as with other limits by network."""

    def __init__(self, app: ASGIApp, *, of_apps: Callable[[Request], Response]) -> None:
        """`of_apps` makes the answer that refuses a call of a music app."""
        self._app, self._of_apps = app, of_apps
        self._lines: dict[str, _Line] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        network = limited_network((scope.get("client") or ("",))[0]) if scope["type"] == "http" else None
        if network is None or _WAITING_FOR_SOUND.fullmatch(str(scope["path"])):
            await self._app(scope, receive, send)
            return
        line = self._lines.setdefault(network, _Line())
        if line.requests >= AT_WORK + MOST_WAITING:
            await self._refusal(scope)(scope, receive, send)
            return
        line.requests += 1
        try:
            await self._in_turn(line, scope, receive, send)
        finally:
            line.requests -= 1
            if not line.requests:
                del self._lines[network]

    async def _in_turn(self, line: _Line, scope: Scope, receive: Receive, send: Send) -> None:
        await line.places.acquire()
        at_work = True

        def leave() -> None:
            nonlocal at_work
            if at_work:
                at_work = False
                line.places.release()

        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start":
                leave()
            await send(message)

        try:
            await self._app(scope, receive, sending)
        finally:
            leave()

    def _refusal(self, scope: Scope) -> Response:
        path = str(scope["path"])
        if is_developers(path):
            return problem(429, _FULL, retry_after())
        if path.startswith("/rest/"):
            return self._of_apps(Request(scope))
        return PlainTextResponse(_FULL, 429, retry_after())
