"""A visitor who opens a page without a session gets one as a guest, with the page itself.

So the page's web socket carries the cookie already, and nobody has to sign up to try anything.
"""

from __future__ import annotations

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from segue.dashboard.api.people import cookie_options
from segue.people.login_sessions import COOKIE, LoginSessions


class Guests:
    """ASGI middleware."""

    def __init__(self, app: ASGIApp, login_sessions: LoginSessions) -> None:
        self._app, self._login_sessions = app, login_sessions

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not _is_page(request := Request(scope)):
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


def _is_page(request: Request) -> bool:
    """Whether a browser opens a page, rather than fetching a part of one."""
    return (
        request.method == "GET"
        and "text/html" in request.headers.get("accept", "")
        and not request.url.path.startswith(
            ("/api/", "/_stcore/", "/static/", "/component/", "/media/", "/s/")
        )
    )
