"""The player's routes: `POST /api/events` sends plays, `GET /api/upcoming` returns the next tracks.

The body of `POST /api/events` is `{"sent_at": epoch ms by the player's clock, "plays": [...]}`, sent by
fetch or sendBeacon. An optional `waiting` is the number of events in the player's outbox. The response lists
the event ids that Kafka has (`taken`) and those that the server rejects, with the reason (`refused`). The
player keeps all others and sends them again. `GET /api/upcoming` also returns the listener's likes and
dislikes. The attribution of a play to a recommendation counts only with the signature that
`GET /api/upcoming` and the pages give it (:mod:`segue.dashboard.queries.attributed`).
"""

from __future__ import annotations

import math
import time
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from segue.dashboard.api.outage import server_away
from segue.dashboard.api.requests import json_body, refuse_cross_site, session_of
from segue.dashboard.queries import attributed
from segue.dashboard.queries.steered import planned
from segue.dashboard.services import Services
from segue.errors import SegueError
from segue.people.login_sessions import Listener
from segue.plays.event import FIELDS
from segue.settings import Settings
from segue.taste.opinions import Opinions

LARGEST = 64 * 1024
"""Bytes; the limit of sendBeacon."""
MOST = 100
_SHAPE = '{"sent_at": epoch ms, "plays": [...]}'
_CLOCK_OFF_MS = 5000
FROM_SESSION = ("user_id", "session_id")
"""Fields of a play that the server takes from the session."""


def routes(services: Services) -> list[Route]:
    """See the module."""

    async def take(request: Request) -> Response:
        refuse_cross_site(request, services.settings.dashboard.base_url)
        listener, _ = await session_of(services, request)
        envelope = await json_body(request, limit=LARGEST, shape=_SHAPE)
        at = time.time() * 1000
        events = _read(envelope, listener, at=at, settings=services.settings)
        if _correction(envelope, at=at):
            services.metrics.player_clocks.inc()
        services.metrics.outbox.observe(_waiting(envelope, len(events)))
        try:
            delivered, refused = await services.sending.do(
                lambda: services.delivery.send(events), visitor=listener.user_id
            )
        except SegueError as error:
            return server_away(error)
        return JSONResponse({"taken": [play["event_id"] for play in delivered], "refused": refused})

    async def answer_upcoming(request: Request) -> Response:
        listener, _ = await session_of(services, request)
        answer = await run_in_threadpool(_upcoming, services, listener.user_id)
        return JSONResponse(answer, headers={"Cache-Control": "no-store"})

    return [
        Route("/api/events", take, methods=["POST"]),
        Route("/api/upcoming", answer_upcoming, methods=["GET"]),
    ]


def _read(
    envelope: dict[str, Any], listener: Listener, *, at: float, settings: Settings
) -> list[dict[str, Any]]:
    """The events of a body, with the listener and session id of the session.

    `at` is the server's time (epoch ms).
    """
    try:
        correction, plays = _correction(envelope, at=at), envelope["plays"]
    except (ValueError, KeyError, TypeError):
        raise HTTPException(400, f"the body must be {_SHAPE}") from None
    if not isinstance(plays, list) or len(plays) > MOST or not all(isinstance(play, dict) for play in plays):
        raise HTTPException(400, f"plays must be a list of at most {MOST} objects")
    return [_event(play, listener, correction, settings) for play in plays]


def _correction(envelope: dict[str, Any], *, at: float) -> int:
    """The milliseconds by which the player's clock is behind the server's time `at`; 0 if they are few."""
    behind = at - float(envelope["sent_at"])
    if not math.isfinite(behind):  # the text "Infinity"
        raise ValueError
    # Correct only large clock errors, so that a play sent twice has the same time twice.
    return round(behind) if abs(behind) > _CLOCK_OFF_MS else 0


def _waiting(envelope: dict[str, Any], sent: int) -> int:
    """The events in the player's outbox, of which a body has a part; an older player does not report them."""
    waiting = envelope.get("waiting")
    return max(waiting, sent) if type(waiting) is int else sent


def _event(sent: dict[str, Any], listener: Listener, correction: int, settings: Settings) -> dict[str, Any]:
    known = (field.name for field in FIELDS if field.name not in (*FROM_SESSION, *attributed.FIELDS))
    event = {name: sent[name] for name in known if sent.get(name) is not None}
    event |= attributed.verified(sent, user_id=listener.user_id, settings=settings)
    if type(event.get("occurred_at")) is int:
        event["occurred_at"] += correction
    return {**event, "user_id": listener.user_id, "session_id": listener.session_id}


def _upcoming(services: Services, user_id: str) -> dict[str, Any]:
    upcoming = planned(services.catalogue, services.settings, user_id)
    return {
        "recommendation_id": upcoming.recommendation_id,
        "items": [item.data() for item in upcoming.items],
        "opinions": Opinions(services.store).by_track(user_id),
    }
