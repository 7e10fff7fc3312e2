"""A request as the routes read it: its session, its origin and its body."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlsplit

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request

from segue.dashboard.services import Services
from segue.people.login_sessions import COOKIE, Listener


async def asking(services: Services, request: Request) -> tuple[Listener, str]:
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


def refuse_foreign(request: Request) -> None:
    """Refuse requests that another site makes a listener's browser send, beside the cookie's SameSite.

    Raises
    ------
    HTTPException
        403: the browser says that another site asks.
    """
    origin = request.headers.get("origin")
    foreign = origin is not None and urlsplit(origin).netloc != request.headers.get("host")
    if foreign or request.headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
        raise HTTPException(403, "this may be asked from Segue's own pages only")


async def body(request: Request, *, limit: int) -> bytes:
    """The request's body, read no further than its limit.

    Raises
    ------
    HTTPException
        413: it is longer. 400: it broke off.
    """
    parts: list[bytes] = []
    size = 0
    try:
        async for part in request.stream():
            size += len(part)
            if size > limit:
                raise HTTPException(413, f"more than {limit} bytes")
            parts.append(part)
    except ClientDisconnect:  # a tab that was closed while it spoke; it says it again when it is back
        raise HTTPException(400, "the body broke off") from None
    return b"".join(parts)


async def json_body(request: Request, *, limit: int, shape: str) -> dict[str, Any]:
    """The request's body, which is an object in JSON.

    Parameters
    ----------
    shape
        How it should look, for the answer to one that does not.

    Raises
    ------
    HTTPException
        400: it is no object. 413, 400: as for :func:`body`.
    """
    text = await body(request, limit=limit)
    try:
        content = json.loads(text)
    except (ValueError, RecursionError):
        content = None
    if not isinstance(content, dict):
        raise HTTPException(400, f"the body must be {shape}")
    return content
