"""`GET /api/me/export` and `POST /api/me/leave`: export and removal of the listener's data."""

from __future__ import annotations

import json
from contextlib import ExitStack

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from segue.dashboard.api.outage import server_away
from segue.dashboard.api.people import device_of, refusal
from segue.dashboard.api.requests import (
    as_guest,
    client_address,
    json_body,
    refuse_cross_site,
    session_of,
    visitor_of,
)
from segue.dashboard.read_in_time import ReadInTime, pieces
from segue.dashboard.services import Services
from segue.errors import SegueError
from segue.local.stack import connected
from segue.people.accounts import Accounts
from segue.people.audit import Action
from segue.people.authentication import AccountError
from segue.phrases import marked
from segue.privacy.export import archive
from segue.privacy.leaving import CONFIRMATION, leave
from segue.storage.kafka_records import likely_plays_of

_LARGEST = 1024
_NOTHING_REMOVED = marked("A server does not answer, so nothing was removed yet: try again in a moment.")


def routes(services: Services) -> list[Route]:
    """See the module."""

    async def export(request: Request) -> Response:
        refuse_cross_site(request, services.settings.dashboard.base_url)
        listener, _ = await session_of(services, request)
        with ExitStack() as held:
            held.enter_context(services.exports.place(visitor_of(request, listener)))
            try:
                data = await services.exports.run(lambda: _archive(services, listener.user_id))
            except SegueError as error:
                return server_away(error)
            if listener.name is not None:
                await run_in_threadpool(_note, services, request, "data-exported", listener.user_id)
            place = held.pop_all()
        headers = {
            "Content-Disposition": 'attachment; filename="segue-my-data.zip"',
            "Content-Length": str(len(data)),
            "Cache-Control": "no-store",
        }
        # It keeps its place until it was read, since it can be large.
        return ReadInTime(pieces(data), ended=place.close, media_type="application/zip", headers=headers)

    async def leave_now(request: Request) -> Response:
        refuse_cross_site(request, services.settings.dashboard.base_url)
        listener, token = await session_of(services, request)
        shape = json.dumps({"confirm": CONFIRMATION})
        content = await json_body(request, limit=_LARGEST, shape=shape)
        if content.get("confirm") != CONFIRMATION:
            raise HTTPException(400, f"the body must be {shape}")
        try:
            await run_in_threadpool(_confirm, services, request, listener.user_id, content.get("password"))
        except AccountError as error:
            return refusal(error)
        try:
            removed = await services.sending.do(
                lambda: _leave(services, listener.user_id), visitor=listener.user_id
            )
        except SegueError as error:
            return server_away(error, _NOTHING_REMOVED)
        if listener.name is not None:
            await run_in_threadpool(_note, services, request, "removed", listener.user_id)
        await run_in_threadpool(services.login_sessions.close, token)
        return await as_guest(services, request, JSONResponse({"removed": removed}))

    return [
        Route("/api/me/export", export, methods=["GET"]),
        Route("/api/me/leave", leave_now, methods=["POST"]),
    ]


def _confirm(services: Services, request: Request, user_id: str, password: object) -> None:
    """Check the password of an account that has one: a person who found an open browser removes nothing."""
    account = Accounts(services.store).of(user_id)
    if account is not None:
        services.authenticator.confirm(
            account,
            password if isinstance(password, str) else "",
            address=client_address(request),
            device=device_of(request),
            refusal="removal-refused",
        )


def _note(services: Services, request: Request, action: Action, user_id: str) -> None:
    services.audit.note(action, user_id=user_id, address=client_address(request))


def _archive(services: Services, user_id: str) -> bytes:
    kafka = connected(services.settings).kafka
    # Not the whole topic, which may be large: anybody can ask for an export.
    plays, whole = likely_plays_of(kafka, user_id)
    return archive(services.store, user_id, plays=plays, whole=whole)


def _leave(services: Services, user_id: str) -> dict[str, int]:
    return leave(services.store, connected(services.settings), user_id)
