"""`GET /api/me/export` and `POST /api/me/leave`: a listener's own data, to take along or to have removed."""

from __future__ import annotations

import json

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from segue.dashboard.api.door import Door, asking, refuse_foreign, told
from segue.dashboard.api.people import cookie_options
from segue.dashboard.people.sessions import COOKIE
from segue.errors import SegueError
from segue.local.stack import connected
from segue.privacy.export import archive
from segue.privacy.leaving import leave
from segue.storage.kafka_topics import plays_of

_LARGEST = 1024
CONFIRMATION = "remove everything"


def routes(door: Door) -> list[Route]:
    """See the module."""

    async def export(request: Request) -> Response:
        refuse_foreign(request)
        listener, _ = await asking(door, request)
        try:
            data = await run_in_threadpool(_archive, door, listener.user_id)
        except SegueError as error:
            return JSONResponse({"error": str(error)}, status_code=503, headers={"Retry-After": "5"})
        headers = {
            "Content-Disposition": 'attachment; filename="segue-my-data.zip"',
            "Cache-Control": "no-store",
        }
        return Response(data, media_type="application/zip", headers=headers)

    async def leave_now(request: Request) -> Response:
        refuse_foreign(request)
        listener, _ = await asking(door, request)
        shape = json.dumps({"confirm": CONFIRMATION})
        found = await told(request, limit=_LARGEST, shape=shape)
        if found.get("confirm") != CONFIRMATION:
            raise HTTPException(400, f"the body must be {shape}")
        try:
            removed = await run_in_threadpool(_leave, door, listener.user_id)
        except SegueError as error:
            return JSONResponse({"error": str(error)}, status_code=503, headers={"Retry-After": "5"})
        response = JSONResponse({"removed": removed})
        token = await run_in_threadpool(door.sessions.open)
        response.set_cookie(COOKIE, token, **cookie_options(secure=request.url.scheme == "https"))
        return response

    return [
        Route("/api/me/export", export, methods=["GET"]),
        Route("/api/me/leave", leave_now, methods=["POST"]),
    ]


def _archive(door: Door, user_id: str) -> bytes:
    kafka = connected(door.settings).kafka
    return archive(door.database, user_id, plays=plays_of(kafka, user_id))


def _leave(door: Door, user_id: str) -> dict[str, int]:
    return leave(door.database, connected(door.settings), user_id)
