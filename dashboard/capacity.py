"""Refuses new visitors before the process runs out of descriptors; those who are there stay.

A page needs about six: its connection, the browser's other connections, and Streamlit's event loop. At the
limit, the process could not even accept a connection to refuse it, and recordings would break off.
"""

from __future__ import annotations

import resource
import time
from pathlib import Path

from starlette.datastructures import Headers
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

RETRY_SECONDS = 30
_OPEN_FILES = Path("/dev/fd")
_LEAST_FREE = 64
_LOOK_EVERY = 0.25
"""Seconds; counting the descriptors of a busy process takes about a millisecond."""
_STREAM = "/_stcore/stream"
_STYLE = """
body {font:17px/1.5 system-ui,sans-serif; display:grid; place-items:center; min-height:90vh; margin:0 20px;
  color-scheme:light dark}
main {max-width:32rem}
"""
PAGE = (
    '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Segue is full</title>'
    '<meta name="viewport" content="width=device-width,initial-scale=1">'
    f'<meta http-equiv="refresh" content="{RETRY_SECONDS}"><style>{_STYLE}</style></head>'
    "<body><main><h1>Segue is full at the moment</h1><p>This server has no room for another listener. "
    f"This page tries again every {RETRY_SECONDS} seconds.</p></main></body></html>"
)


class Descriptors:
    """The number of descriptors that this process may still open."""

    def __init__(self, *, reserve: int | None = None) -> None:
        """`reserve` descriptors stay free for present visitors; by default an eighth of the limit."""
        self._reserve = reserve
        self._free = 0
        self._looked = float("-inf")

    def has_room(self) -> bool:
        """Whether there is room for another visitor."""
        limit, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
        if limit == resource.RLIM_INFINITY:
            return True
        if time.monotonic() - self._looked > _LOOK_EVERY:
            self._free = limit - sum(1 for _ in _OPEN_FILES.iterdir())
            self._looked = time.monotonic()
        return self._free > (max(_LEAST_FREE, limit // 8) if self._reserve is None else self._reserve)


class Capacity:
    """ASGI middleware: 503 with `Retry-After` for a new page or connection without room for it."""

    def __init__(self, app: ASGIApp, descriptors: Descriptors | None = None) -> None:
        self._app, self._descriptors = app, descriptors or Descriptors()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if not _begins_visit(scope) or self._descriptors.has_room():
            await self._app(scope, receive, send)
            return
        response: Response = HTMLResponse(PAGE, status_code=503)
        if scope["type"] == "websocket":
            if "websocket.http.response" not in scope.get("extensions", {}):
                await send({"type": "websocket.close", "code": 1013})
                return
            response = PlainTextResponse("full: try again later", status_code=503)
        response.headers["Retry-After"] = str(RETRY_SECONDS)
        response.headers["Connection"] = "close"
        response.headers["Cache-Control"] = "no-store"
        await response(scope, receive, send)


def _begins_visit(scope: Scope) -> bool:
    """Whether a request opens a page, or the connection of a page."""
    if scope["type"] == "websocket":
        return str(scope["path"]).endswith(_STREAM)
    return (
        scope["type"] == "http"
        and scope["method"] == "GET"
        and "text/html" in Headers(scope=scope).get("accept", "")
    )
