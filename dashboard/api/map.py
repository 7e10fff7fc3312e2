"""The map: `GET /api/map` (points), `/api/map/here` (the listener's place), `/api/map/tracks` (tracks)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from segue.dashboard.api.requests import NO_INDEX, session_of, unavailable
from segue.dashboard.services import Services
from segue.errors import SegueError

_T = TypeVar("_T")
_MOST = 24


def routes(services: Services) -> list[Route]:
    """See the module."""
    library = services.library_map

    async def points(request: Request) -> Response:
        await session_of(services, request)
        drawn = await _ready(library.current)
        tag = f'"{drawn.tag}"'
        headers = {"ETag": tag, "Cache-Control": "private, no-cache"}
        if request.headers.get("if-none-match") == tag:
            return Response(status_code=304, headers=headers)
        return Response(drawn.packed, media_type="application/octet-stream", headers=headers)

    async def here(request: Request) -> Response:
        listener, _ = await session_of(services, request)

        def place() -> dict[str, Any]:
            track_id = request.query_params.get("track", "")
            row = library.place(track_id) if 0 < len(track_id) <= 64 and track_id.isascii() else None
            return {"taste": library.taste(listener.user_id), "row": row}

        return JSONResponse(await _ready(place), headers={"Cache-Control": "no-store"})

    async def tracks(request: Request) -> Response:
        await session_of(services, request)
        wanted = request.query_params.get("rows", "").split(",")
        if not wanted or len(wanted) > _MOST or not all(row.isascii() and row.isdigit() for row in wanted):
            raise HTTPException(400, f"rows must be 1 to {_MOST} numbers")
        rows = [int(row[:10]) for row in wanted]
        version = request.query_params.get("version", "")
        items = await _ready(lambda: library.items(version, rows))
        if items is None:
            raise HTTPException(409, "there is a newer map: load it again")
        return JSONResponse({"items": [item.data() for item in items]}, headers={"Cache-Control": "no-store"})

    return [
        Route("/api/map", points, methods=["GET"]),
        Route("/api/map/here", here, methods=["GET"]),
        Route("/api/map/tracks", tracks, methods=["GET"]),
    ]


async def _ready(query: Callable[[], _T]) -> _T:
    """The result of a query of the index; 503 before an index exists."""
    try:
        return await run_in_threadpool(query)
    except SegueError as error:
        raise HTTPException(503, unavailable(error, NO_INDEX)) from None
