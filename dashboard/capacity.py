"""Refuses new visitors before the process runs out of descriptors, or of pages for their network.

Those who are there stay.

A page needs four to six: its connection, the browser's other connections, and Streamlit's event loop. At the
limit, the process could not even accept a connection to refuse it, and recordings would break off.
"""

from __future__ import annotations

import resource
import time
from collections import Counter, deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from segue.dashboard.language.catalogues import accepted
from segue.dashboard.language.spoken import language, spoken
from segue.dashboard.language.words import gettext
from segue.dashboard.paths import Callers, callers_of
from segue.dashboard.problems import problem
from segue.people.newcomers import limited_network

RETRY_SECONDS = 30
_OPEN_FILES = Path("/dev/fd")
_LEAST_FREE = 64
_PER_VISIT = 4
_LOOK_EVERY = 0.25
"""Seconds; counting the descriptors of a busy process takes about a millisecond."""
_OPENING = 0.5
"""Seconds in which a visitor who was let in has opened their descriptors."""
_STREAM = "/_stcore/stream"
MOST_PAGES, MOST_NEW_PAGES = 200, 300
"""Of a network, open at a time, and within a minute: each runs a script, with a thread and an event loop."""
_MINUTE = 60.0
_STYLE = """
body {font:17px/1.5 system-ui,sans-serif; display:grid; place-items:center; min-height:90vh; margin:0 20px;
  color-scheme:light dark}
main {max-width:32rem}
"""


def page() -> str:
    """The page for a visitor without room, in their language."""
    title = gettext("Segue is full at the moment")
    words = gettext(
        "This server has no room for another listener. This page tries again every {seconds} seconds.",
        seconds=RETRY_SECONDS,
    )
    return (
        f'<!doctype html><html lang="{language()}"><head><meta charset="utf-8"><title>{title}</title>'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f'<meta http-equiv="refresh" content="{RETRY_SECONDS}"><style>{_STYLE}</style></head>'
        f"<body><main><h1>{title}</h1><p>{words}</p></main></body></html>"
    )


class Descriptors:
    """The number of descriptors that this process may still open."""

    def __init__(self, *, reserve: int | None = None) -> None:
        """`reserve` descriptors stay free for present visitors; by default an eighth of the limit."""
        self._reserve = reserve
        self._free = 0
        self._looked = float("-inf")
        self._opening: deque[float] = deque()

    def has_room(self) -> bool:
        """Whether there is room for another visitor."""
        limit, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
        if limit == resource.RLIM_INFINITY:
            return True
        now = time.monotonic()
        if now - self._looked > _LOOK_EVERY:
            self._free = limit - sum(1 for _ in _OPEN_FILES.iterdir())
            self._looked = now
        while self._opening and now - self._opening[0] > _OPENING:
            self._opening.popleft()
        free = self._free - _PER_VISIT * len(self._opening)
        return free > (max(_LEAST_FREE, limit // 8) if self._reserve is None else self._reserve)

    def let_in(self) -> None:
        """Take note of a visitor whose descriptors are not all open yet.

        A crowd may arrive between two counts, or before the first of them have opened theirs.
        """
        self._opening.append(time.monotonic())


class Pages:
    """The open pages of each network, and those that it opened in this minute.

    For use in one event loop. Visitors from this machine are not limited
    (:func:`segue.people.newcomers.limited_network`).
    """

    def __init__(self) -> None:
        self._open, self._new = Counter[str](), Counter[str]()
        self._since = float("-inf")

    @contextmanager
    def place(self, address: str) -> Iterator[bool]:
        """Whether a page from an address may open; it is open within the context."""
        network = limited_network(address)
        if network is None:
            yield True
            return
        if time.monotonic() - self._since > _MINUTE:
            self._new, self._since = Counter(), time.monotonic()
        self._new[network] += 1
        self._open[network] += 1
        try:
            yield self._open[network] <= MOST_PAGES and self._new[network] <= MOST_NEW_PAGES
        finally:
            self._open[network] -= 1
            if not self._open[network]:
                del self._open[network]


class Capacity:
    """ASGI middleware: 503 with `Retry-After` for a new page or connection without room for it."""

    def __init__(
        self,
        app: ASGIApp,
        descriptors: Descriptors | None = None,
        *,
        of_apps: Callable[[Request], Response] | None = None,
    ) -> None:
        """With `of_apps`, there are no pages: each request is judged, and refused by this answer."""
        self._app, self._descriptors, self._of_apps = app, descriptors or Descriptors(), of_apps
        self._pages = Pages()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "websocket":
            await self._answer(scope, receive, send)
            return
        with self._pages.place((scope.get("client") or ("",))[0]) as may_open:
            if may_open:
                await self._answer(scope, receive, send)
            else:
                await _refuse_page(scope, receive, send, "too many pages: close some, or wait a minute")

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        begins_visit = scope["type"] == "http" if self._of_apps else _begins_visit(scope)
        if not begins_visit or self._descriptors.has_room():
            if begins_visit and scope["type"] == "websocket":
                self._descriptors.let_in()
            await self._app(scope, receive, send)
            return
        if scope["type"] == "websocket":
            await _refuse_page(scope, receive, send, "full: try again later")
            return
        if callers_of(str(scope["path"])) is Callers.DEVELOPERS:
            response: Response = problem(503, "There is no room for another request: try again later.")
        elif self._of_apps:
            response = self._of_apps(Request(scope))
        else:
            with spoken(accepted(Headers(scope=scope).get("accept-language"))):
                response = HTMLResponse(page(), status_code=503)
        await _close_after(response)(scope, receive, send)


async def _refuse_page(scope: Scope, receive: Receive, send: Send, words: str) -> None:
    """Refuse the connection of a page."""
    if "websocket.http.response" not in scope.get("extensions", {}):
        await send({"type": "websocket.close", "code": 1013})
        return
    await _close_after(PlainTextResponse(words, status_code=503))(scope, receive, send)


def _close_after(response: Response) -> Response:
    response.headers["Retry-After"] = str(RETRY_SECONDS)
    response.headers["Connection"] = "close"
    response.headers["Cache-Control"] = "no-store"
    return response


def _begins_visit(scope: Scope) -> bool:
    """Whether a request opens a page, or the connection of a page."""
    if scope["type"] == "websocket":
        return str(scope["path"]).endswith(_STREAM)
    return (
        scope["type"] == "http"
        and scope["method"] == "GET"
        and "text/html" in Headers(scope=scope).get("accept", "")
    )
