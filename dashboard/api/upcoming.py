"""`GET /api/upcoming`: what the listener hears next, and what they have said of tracks, for the player."""

from __future__ import annotations

from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from segue.dashboard.api.door import Door, asking
from segue.dashboard.queries.steered import planned


def routes(door: Door) -> list[Route]:
    """See the module."""

    async def answered(request: Request) -> Response:
        listener, _ = await asking(door, request)
        answer = await run_in_threadpool(_told, door, listener.user_id)
        return JSONResponse(answer, headers={"Cache-Control": "no-store"})

    return [Route("/api/upcoming", answered, methods=["GET"])]


def _told(door: Door, user_id: str) -> dict[str, Any]:
    found = planned(door.catalogue, door.settings, user_id)
    opinions = door.database.opinions.find({"user_id": user_id}, {"track_id": 1, "opinion": 1}).limit(5000)
    return {
        "recommendation_id": found.recommendation_id,
        "items": [item.data() for item in found.items],
        "opinions": {one["track_id"]: one["opinion"] for one in opinions},
    }
