"""Requests: the session, opened for new visitors, the origin and the body."""

from __future__ import annotations

import json
import logging
from typing import Any
from urllib.parse import urlsplit

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from segue.dashboard.services import Services
from segue.errors import SegueError
from segue.people.login_sessions import COOKIE, LIFETIME, Listener, LoginSessions

log = logging.getLogger(__name__)


class Guests:
    """ASGI middleware: a page sets the cookie of a guest session if the visitor has no session.

    Then the page's WebSocket sends the cookie, and visitors can use Segue without signing up.
    """

    def __init__(self, app: ASGIApp, login_sessions: LoginSessions) -> None:
        self._app, self._login_sessions = app, login_sessions

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not is_page(request := Request(scope)):
            await self._app(scope, receive, send)
            return
        if await run_in_threadpool(self._login_sessions.find, request.cookies.get(COOKIE)):
            await self._app(scope, receive, send)
            return
        header = Response()
        token = await run_in_threadpool(self._login_sessions.open)
        header.set_cookie(COOKIE, token, **cookie_options(secure=scope["scheme"] == "https"))

        async def send_with_cookie(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers.append("set-cookie", header.headers["set-cookie"])
                headers["cache-control"] = "no-store"
            await send(message)

        await self._app(scope, receive, send_with_cookie)


def is_page(request: Request) -> bool:
    """Whether a browser opens a page rather than fetching a resource of a page."""
    return (
        request.method == "GET"
        and "text/html" in request.headers.get("accept", "")
        and not request.url.path.startswith(
            ("/api/", "/_stcore/", "/static/", "/component/", "/media/", "/s/")
        )
    )


def cookie_options(*, secure: bool) -> dict[str, Any]:
    """The options of the session cookie, for `set_cookie`."""
    return {
        "max_age": int(LIFETIME.total_seconds()),
        "path": "/",
        "httponly": True,
        "samesite": "lax",
        "secure": secure,
    }


async def session_of(services: Services, request: Request) -> tuple[Listener, str]:
    """The listener of the request's session, and the session's token.

    Raises
    ------
    HTTPException
        401: there is no session.
    """
    token = request.cookies.get(COOKIE)
    listener = await run_in_threadpool(services.login_sessions.find, token)
    if listener is None or token is None:
        raise HTTPException(401, "no session: reload the page")
    return listener, token


NO_INDEX = "There is no usable index now: try again later."
NO_SERVER = "A server does not answer: try again in a moment."


def unavailable(error: SegueError, words: str) -> str:
    """Log an error, and return the words for the listener.

    The error is written for operators: it names folders, addresses and commands.
    """
    log.warning("%s %s", words, error)
    return words


def refuse_cross_site(request: Request) -> None:
    """Refuse cross-site requests (CSRF), in addition to the cookie's SameSite.

    Raises
    ------
    HTTPException
        403: the headers Origin or Sec-Fetch-Site name another site.
    """
    origin = request.headers.get("origin")
    foreign = origin is not None and urlsplit(origin).netloc != request.headers.get("host")
    if foreign or request.headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
        raise HTTPException(403, "only Segue's own pages may send this request")


async def body(request: Request, *, limit: int) -> bytes:
    """The request's body, read up to `limit` bytes.

    Raises
    ------
    HTTPException
        413: it is longer. 400: the client disconnected.
    """
    parts: list[bytes] = []
    size = 0
    try:
        async for part in request.stream():
            size += len(part)
            if size > limit:
                raise HTTPException(413, f"more than {limit} bytes")
            parts.append(part)
    except ClientDisconnect:  # the tab was closed; its outbox sends the events again later
        raise HTTPException(400, "the body broke off") from None
    return b"".join(parts)


async def json_body(request: Request, *, limit: int, shape: str) -> dict[str, Any]:
    """The request's body as a JSON object.

    Parameters
    ----------
    shape
        A description of the expected object, for the error message.

    Raises
    ------
    HTTPException
        400: it is not an object. 413, 400: as for :func:`body`.
    """
    text = await body(request, limit=limit)
    try:
        content = json.loads(text)
    except (ValueError, RecursionError):
        content = None
    if not isinstance(content, dict):
        raise HTTPException(400, f"the body must be {shape}")
    return content
