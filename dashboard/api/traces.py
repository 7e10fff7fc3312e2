"""ASGI middleware: a span for each request to the API, if traces are on."""

from __future__ import annotations

from collections.abc import Sequence

from starlette.routing import Match, Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from segue import tracing


class Traced:
    """The header `traceparent` of a request is continued, such as that of a proxy."""

    def __init__(self, app: ASGIApp, routes: Sequence[Route]) -> None:
        self._app, self._routes = app, routes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        route = self._route(scope) if scope["type"] == "http" and tracing.active() else None
        if route is None:
            await self._app(scope, receive, send)
            return
        parent = dict(scope["headers"]).get(tracing.HEADER.encode(), b"").decode("latin-1")
        attributes = {"http.request.method": scope["method"], "http.route": route}
        with tracing.span(
            f"{scope['method']} {route}", kind="server", attributes=attributes, parent=parent or None
        ) as current:

            async def noting(message: Message) -> None:
                if message["type"] == "http.response.start":
                    current.set_attribute("http.response.status_code", message["status"])
                await send(message)

            await self._app(scope, receive, noting)

    def _route(self, scope: Scope) -> str | None:
        for route in self._routes:
            if route.matches(scope)[0] is not Match.NONE:
                return route.path
        return None
