"""Audio: signed addresses of tracks, valid for one session and six hours, and the files.

The key of the signature is the session's token, which the server does not store. An address is useless to
another session, and there is no server secret to store or rotate.
"""

from __future__ import annotations

import hashlib
import hmac
import time
from pathlib import Path

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import Route

from segue.catalog.tracks import Tracks
from segue.dashboard.api.requests import session_of
from segue.dashboard.services import Services

GOOD_FOR = 6 * 3600
"""Seconds; longer than any track, with pauses."""
TYPES = {
    ".mp3": "audio/mpeg",
    ".ogg": "audio/ogg",
    ".oga": "audio/ogg",
    ".opus": "audio/ogg",
    ".flac": "audio/flac",
    ".m4a": "audio/mp4",
    ".aac": "audio/aac",
    ".wav": "audio/wav",
}


def sign(token: str, track_id: str, *, expires: int) -> str:
    """The ticket in a track's address: the time of expiry (epoch s), a dot, and the HMAC-SHA256 in hex."""
    text = f"{track_id}\n{expires}".encode()
    return f"{expires}.{hmac.new(token.encode(), text, hashlib.sha256).hexdigest()}"


def genuine(token: str, track_id: str, ticket: str, *, now: float) -> bool:
    """Whether :func:`sign` made the ticket for this session and track, and it is valid at `now` (epoch s)."""
    expires, _, _ = ticket.partition(".")
    if not (expires.isascii() and expires.isdigit() and len(expires) <= 12):
        return False
    expected = sign(token, track_id, expires=int(expires))
    return hmac.compare_digest(expected.encode(), ticket.encode()) and now < int(expires)


def routes(services: Services) -> list[Route]:
    """`GET /api/tickets/{track_id}` returns an address, `GET /api/audio/{track_id}` the recording."""

    async def ticket(request: Request) -> Response:
        _, token = await session_of(services, request)
        track_id = request.path_params["track_id"]
        expires = int(time.time()) + GOOD_FOR
        url = f"/api/audio/{track_id}?t={sign(token, track_id, expires=expires)}"
        return JSONResponse({"url": url, "expires": expires * 1000}, headers={"Cache-Control": "no-store"})

    async def audio(request: Request) -> Response:
        _, token = await session_of(services, request)
        track_id = request.path_params["track_id"]
        if not genuine(token, track_id, request.query_params.get("t", ""), now=time.time()):
            raise HTTPException(403, "this address has expired or is not yours")
        path = await run_in_threadpool(recording, services, track_id)
        return FileResponse(
            path,
            media_type=TYPES[path.suffix.lower()],
            headers={"Cache-Control": "private, max-age=3600", "X-Content-Type-Options": "nosniff"},
        )

    return [
        Route("/api/tickets/{track_id}", ticket, methods=["GET"]),
        Route("/api/audio/{track_id}", audio, methods=["GET"]),
    ]


def recording(services: Services, track_id: str) -> Path:
    """The file of a track; the path comes from the catalogue, so that a request cannot choose it.

    Raises
    ------
    HTTPException
        404: there is no such track, or its file is missing or of another type.
    """
    path = Tracks(services.store).recording(track_id)
    if path is None or path.suffix.lower() not in TYPES or not path.is_file():
        raise HTTPException(404, "there is no such recording on this machine")
    return path
