"""`GET /api/upcoming`: the listener's next tracks and opinions, for the player."""

from __future__ import annotations

from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from segue.dashboard.api.requests import asking
from segue.dashboard.queries.steered import planned
from segue.dashboard.services import Services
from segue.taste.opinions import Opinions


def routes(services: Services) -> list[Route]:
    """See the module."""

    async def answered(request: Request) -> Response:
        listener, _ = await asking(services, request)
        answer = await run_in_threadpool(_upcoming, services, listener.user_id)
        return JSONResponse(answer, headers={"Cache-Control": "no-store"})

    return [Route("/api/upcoming", answered, methods=["GET"])]


def _upcoming(services: Services, user_id: str) -> dict[str, Any]:
    upcoming = planned(services.catalogue, services.settings, user_id)
    return {
        "recommendation_id": upcoming.recommendation_id,
        "items": [item.data() for item in upcoming.items],
        "opinions": Opinions(services.store).by_track(user_id),
    }
