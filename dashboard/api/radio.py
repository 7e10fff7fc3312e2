"""`GET /api/radio/{track_id}?after=id,id`: the next tracks of a radio that started with a song."""

from __future__ import annotations

import time
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from segue.dashboard.api.requests import NO_INDEX, session_of, unavailable
from segue.dashboard.queries.profile import not_recommended
from segue.dashboard.queries.sounding import UnknownTrack, radio
from segue.dashboard.services import Services
from segue.errors import SegueError

AHEAD = 12
_MOST = 200
_LONGEST = 16 * 1024


def routes(services: Services) -> list[Route]:
    """See the module."""

    async def tuned(request: Request) -> Response:
        listener, _ = await session_of(services, request)
        after = request.query_params.get("after", "")
        ids = [
            track_id
            for track_id in after[:_LONGEST].split(",")
            if track_id.isascii() and 0 < len(track_id) <= 64
        ]
        try:
            items = await run_in_threadpool(
                _tuned, services, listener.user_id, request.path_params["track_id"], ids[-_MOST:]
            )
        except UnknownTrack as error:
            raise HTTPException(404, str(error)) from None
        except SegueError as error:
            raise HTTPException(503, unavailable(error, NO_INDEX)) from None
        return JSONResponse({"items": items}, headers={"Cache-Control": "no-store"})

    return [Route("/api/radio/{track_id}", tuned, methods=["GET"])]


def _tuned(services: Services, user_id: str, seed: str, after: list[str]) -> list[dict[str, Any]]:
    catalogue, now = services.catalogue, round(time.time() * 1000)
    avoid = sorted(not_recommended(catalogue, user_id, bundle=catalogue.bundle(), at=now))
    items = radio(catalogue, services.settings, seed=seed, after=after, avoid=avoid, items=AHEAD)
    return [item.data() for item in items]
