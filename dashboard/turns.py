"""The requests of a network take turns: a few are at work at a time, and the next ones wait for them.

All requests share the threads that read the database. The requests of one visitor, hundreds at once, would be
before everybody else's there. Those for recordings have turns of their own: a conversion takes a while to
begin, in threads of its own, but the recording is looked for in the shared ones.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from segue.dashboard.paths import Callers, callers_of, is_sound
from segue.dashboard.problems import problem
from segue.dashboard.retry_after import retry_after
from segue.people.newcomers import limited_network

AT_WORK, SOUND_AT_WORK = 12, 64
"""Of a network, until their answers begin; the shared threads are 40. Fewer conversions can wait to begin."""
MOST_WAITING = 300
"""Of a network; further ones are refused."""
_FULL = "too many requests at once: wait for the first answers"


@dataclass
class _Line:
    """The requests of a network, for recordings or for anything else."""

    most: int
    """At work."""
    requests: int = 0
    places: asyncio.Semaphore = field(init=False)

    def __post_init__(self) -> None:
        self.places = asyncio.Semaphore(self.most)


class Turns:
    """ASGI middleware. Visitors from this machine are not limited, as with other limits by network."""

    def __init__(self, app: ASGIApp, *, of_apps: Callable[[Request], Response]) -> None:
        """`of_apps` makes the answer that refuses a call of a music app."""
        self._app, self._of_apps = app, of_apps
        self._lines: dict[tuple[str, bool], _Line] = {}
        """By network, and whether they ask for recordings."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        network = limited_network((scope.get("client") or ("",))[0]) if scope["type"] == "http" else None
        if network is None:
            await self._app(scope, receive, send)
            return
        own = (network, is_sound(str(scope["path"])))
        line = self._lines.setdefault(own, _Line(SOUND_AT_WORK if own[1] else AT_WORK))
        if line.requests >= line.most + MOST_WAITING:
            await self._refusal(scope)(scope, receive, send)
            return
        line.requests += 1
        try:
            await self._in_turn(line, scope, receive, send)
        finally:
            line.requests -= 1
            if not line.requests:
                del self._lines[own]

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
        match callers_of(str(scope["path"])):
            case Callers.DEVELOPERS:
                return problem(429, _FULL, retry_after())
            case Callers.MUSIC_APPS | Callers.SCROBBLERS:
                return self._of_apps(Request(scope))
        return PlainTextResponse(_FULL, 429, retry_after())
