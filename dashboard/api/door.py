"""What the routes share: the database, sessions, accounts and the way to Kafka; and who is asking."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from pymongo.database import Database
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request

from segue.dashboard.api.outgoing import Outgoing
from segue.dashboard.people.accounts import Accounts
from segue.dashboard.people.handover import Handovers
from segue.dashboard.people.sessions import COOKIE, Listener, Sessions
from segue.dashboard.people.throttle import Throttle
from segue.dashboard.queries.catalogue import Catalogue
from segue.settings import Settings
from segue.social.prepare import prepare
from segue.storage.mongo import Document
from segue.storage.store import Store


@dataclass(frozen=True)
class Door:
    """Made once a process by :func:`make_door`."""

    database: Database[Document]
    sessions: Sessions
    accounts: Accounts
    handovers: Handovers
    outgoing: Outgoing
    catalogue: Catalogue
    settings: Settings


def make_door(database: Database[Document], settings: Settings) -> Door:
    database.opinions.create_index([("user_id", 1), ("at", -1)])
    prepare(database)
    accounts = Accounts(database, throttle=Throttle(database))
    outgoing = Outgoing(Store(database), settings)
    catalogue = Catalogue(database, index_folder=settings.index.folder)
    return Door(database, Sessions(database), accounts, Handovers(database), outgoing, catalogue, settings)


async def asking(door: Door, request: Request) -> tuple[Listener, str]:
    """The listener of the request's session, and the session's token.

    Raises
    ------
    HTTPException
        401: there is no session.
    """
    token = request.cookies.get(COOKIE)
    listener = await run_in_threadpool(door.sessions.find, token)
    if listener is None or token is None:
        raise HTTPException(401, "no session: reload the page")
    return listener, token


def refuse_foreign(request: Request) -> None:
    """Refuse what another site makes a listener's browser send, on top of the cookie's SameSite.

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


async def told(request: Request, *, limit: int, shape: str) -> dict[str, Any]:
    """The object that a request's body is in JSON.

    Parameters
    ----------
    shape
        What it should look like, for the answer to one that does not.

    Raises
    ------
    HTTPException
        400: it is no object. 413, 400: as for :func:`body`.
    """
    text = await body(request, limit=limit)
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise HTTPException(400, f"the body must be {shape}")
    return found
