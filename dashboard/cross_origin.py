"""Lets any web page call the API and read every answer, errors and refused ranges included (CORS).

That is safe, since only the credentials in a call open anything, and browsers do not send them by themselves.
"""

from __future__ import annotations

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_HEADERS = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Expose-Headers": "Content-Range, Content-Length, Accept-Ranges, ETag, Retry-After",
}
_ASKED = {"Access-Control-Allow-Methods": "GET, POST, HEAD, OPTIONS", "Access-Control-Max-Age": "86400"}


def readable(response: Response) -> Response:
    """A response that the page of any site can read."""
    response.headers.update(_HEADERS)
    return response


class CrossOrigin:
    """ASGI middleware."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(_HEADERS)
            await send(message)

        if scope["method"] == "OPTIONS":
            wanted = Headers(scope=scope).get("access-control-request-headers", "*")
            allowed = Response(status_code=204, headers=_ASKED | {"Access-Control-Allow-Headers": wanted})
            await allowed(scope, receive, with_headers)
        else:
            await self._app(scope, receive, with_headers)
