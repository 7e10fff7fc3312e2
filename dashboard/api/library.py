"""The lists of the page Library.

`GET /api/library?show=albums&by=name&after=id&shown=100` is the next page of a list, and
`GET /api/library/songs?show=albums&id=…` the songs of one of its entries.
"""

from __future__ import annotations

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from segue.dashboard.api.requests import session_of
from segue.dashboard.player import library
from segue.dashboard.queries.library import MOST, Asked
from segue.dashboard.services import Services
from segue.storage.keyset import Place

_PER_PAGE = 100
_FARTHEST = 1_000_000


def routes(services: Services) -> list[Route]:
    """See the module."""

    async def page(request: Request) -> Response:
        listener, _ = await session_of(services, request)
        named = request.query_params
        asked = Asked.read(named)
        shown = _number(named.get("shown", "0"), "shown", most=_FARTHEST)
        limit = _number(named.get("limit", str(_PER_PAGE)), "limit", most=MOST)
        after = Place(named.get("after", "")[:300], shown) if shown else None
        found = await run_in_threadpool(
            services.library.page, listener.user_id, asked, limit=max(1, limit), after=after
        )
        return JSONResponse(library.page(asked, found), headers={"Cache-Control": "no-store"})

    async def songs(request: Request) -> Response:
        listener, _ = await session_of(services, request)
        asked, own_id = Asked.read(request.query_params), request.query_params.get("id", "")[:300]
        found = await run_in_threadpool(services.library.songs, listener.user_id, asked.view, own_id)
        items = {"items": [item.data() for item in found]}
        return JSONResponse(items, headers={"Cache-Control": "no-store"})

    return [
        Route("/api/library", page, methods=["GET"]),
        Route("/api/library/songs", songs, methods=["GET"]),
    ]


def _number(text: str, name: str, *, most: int) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 8):
        raise HTTPException(400, f"{name} must be a number")
    return min(int(text), most)
