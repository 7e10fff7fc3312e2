"""Answers while MongoDB or Kafka is away: status 503 with the header Retry-After."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from segue.dashboard.api.requests import NO_SERVER, is_page, unavailable
from segue.dashboard.language.spoken import language, of_request, spoken
from segue.dashboard.paths import Callers, callers_of
from segue.dashboard.retry_after import RETRY_SECONDS, retry_after
from segue.dashboard.text import outage
from segue.errors import SegueError
from segue.people.operator_links import PATH as OPERATOR_LINK
from segue.storage.availability import Availability

_WITHOUT_DATABASE = ("/api/openapi.json",)


def _page() -> str:
    return f"""<!doctype html><html lang="{language()}"><head><meta charset="utf-8"><title>Segue</title>
<meta name="viewport" content="width=device-width,initial-scale=1">
<meta http-equiv="refresh" content="{RETRY_SECONDS}"></head>
<body style="font:17px/1.5 system-ui,sans-serif;margin:3rem auto;max-width:40rem;padding:0 1rem">
<p>{outage()}</p></body></html>"""


class MongoOutage:
    """ASGI middleware: answers at once while MongoDB is known to be away, and when a request finds it away.

    Without the first, each request would wait for a server in one of the process's few threads.
    """

    def __init__(self, app: ASGIApp, availability: Availability) -> None:
        self._app, self._availability = app, availability

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request = Request(scope)
        if self._availability.is_away and _needs_database(request):
            await _answer(request)(scope, receive, send)
            return
        started = False

        async def noting(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        try:
            await self._app(scope, receive, noting)
        except Exception as error:
            if not self._availability.failed(error):
                raise
            if not started:  # else the client sees an answer that breaks off
                await _answer(request)(scope, receive, send)


def _needs_database(request: Request) -> bool:
    path = request.url.path
    if callers_of(path) is Callers.DEVELOPERS:  # which answers an outage itself, in its own form
        return False
    own = path.startswith(("/api/", "/s/")) or path == OPERATOR_LINK
    return (own and path not in _WITHOUT_DATABASE) or is_page(request)


def server_away(error: SegueError, words: str = NO_SERVER) -> Response:
    """The answer of a route that cannot reach Kafka or MongoDB; the error goes to the log."""
    return JSONResponse({"error": unavailable(error, words)}, 503, retry_after())


def _answer(request: Request) -> Response:
    headers = {**retry_after(), "Cache-Control": "no-store"}
    if request.url.path.startswith("/api/"):
        return JSONResponse({"error": "the database does not answer: try again"}, 503, headers)
    with spoken(of_request(request)):
        return HTMLResponse(_page(), 503, headers)
