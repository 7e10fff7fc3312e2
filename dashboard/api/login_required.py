"""Refuses guests where the settings require log-in; the pages check for themselves."""

from __future__ import annotations

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from segue.dashboard.paths import Callers, callers_of
from segue.people.login_sessions import COOKIE, LoginSessions

OPEN = frozenset(
    f"/api/people/{name}"
    for name in ("log-in", "log-out", "hand-over", "forgot-password", "reset-password", "confirm-address")
)
"""Routes that lead to a log-in. Share links and Streamlit's health check are not below /api/."""
COVERS = "/api/covers/"
"""Open, since the pages of share links show covers. Covers reveal nothing about a listener."""


class LoginRequired:
    """ASGI middleware: answers requests of guests below /api/ with 401."""

    def __init__(self, app: ASGIApp, login_sessions: LoginSessions) -> None:
        self._app, self._login_sessions = app, login_sessions

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and _is_guarded(scope["path"]):
            token = Request(scope).cookies.get(COOKIE)
            listener = await run_in_threadpool(self._login_sessions.find, token)
            if listener is None or listener.name is None:
                await JSONResponse({"error": "log in first"}, status_code=401)(scope, receive, send)
                return
        await self._app(scope, receive, send)


def _is_guarded(path: str) -> bool:
    is_open = path in OPEN or path.startswith(COVERS)
    return path.startswith("/api/") and not is_open and callers_of(path) is Callers.BROWSERS
