"""Audio: signed addresses of tracks, valid for one session and six hours, and the recordings.

The key of the signature is the session's token, which the server does not store. An address is useless to
another session, and there is no server secret to store or rotate.
"""

from __future__ import annotations

import hashlib
import hmac
import math
import time
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import QueryParams
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from segue.audio.transcoding.choice import choose
from segue.audio.transcoding.encoder import Conversion
from segue.audio.transcoding.forms import FORMS, Form
from segue.audio.transcoding.media_types import CONTENT_TYPES
from segue.catalog.measured_tracks import MeasuredTracks
from segue.catalog.track import ReplayGain
from segue.catalog.track_records import Recording
from segue.catalog.tracks import Tracks
from segue.dashboard.api.converted import HEADERS, converted
from segue.dashboard.api.requests import session_of
from segue.dashboard.api.sounds import as_it_is, converting, type_of
from segue.dashboard.services import Services
from segue.settings import TranscodingSettings

GOOD_FOR = 6 * 3600
"""Seconds; longer than any track, with pauses."""
LONGEST_START = 10_000_000
"""Seconds."""
LEAST_LEFT = 0.1
"""Seconds: several packets of each encoder. From fewer, ffmpeg makes a file without sound."""


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
    """`GET /api/tickets/{track_id}` returns addresses, `GET /api/audio/{track_id}` the recording."""

    async def ticket(request: Request) -> Response:
        _, token = await session_of(services, request)
        track_id = request.path_params["track_id"]
        expires = int(time.time()) + GOOD_FOR
        url = f"/api/audio/{track_id}?t={sign(token, track_id, expires=expires)}"
        body = await run_in_threadpool(_addresses, services, track_id, url)
        return JSONResponse(body | {"expires": expires * 1000}, headers={"Cache-Control": "no-store"})

    async def audio(request: Request) -> Response:
        listener, token = await session_of(services, request)
        track_id = request.path_params["track_id"]
        if not genuine(token, track_id, request.query_params.get("t", ""), now=time.time()):
            raise HTTPException(403, "this address has expired or is not yours")
        found = await run_in_threadpool(recording, services, track_id)
        conversion = _conversion(services, found, request.query_params)
        if conversion is None:
            return await as_it_is(services, found, request, headers=HEADERS)
        conversion = await converting(services, found, conversion)
        return await converted(
            services.transcoder, conversion, request, owner=listener.user_id, headers=HEADERS
        )

    return [
        Route("/api/tickets/{track_id}", ticket, methods=["GET"]),
        Route("/api/audio/{track_id}", audio, methods=["GET"]),
    ]


def recording(services: Services, track_id: str) -> Recording:
    """The recording of a track; the path comes from the catalogue, so that a request cannot choose it.

    Raises
    ------
    HTTPException
        404: there is no such track, or its file is missing or of another type. A song of a connected server
        may be missing there.
    """
    found = Tracks(services.store).recording(track_id)
    if found is None or found.path.suffix.lower() not in CONTENT_TYPES or not _is_there(found):
        raise HTTPException(404, "there is no such recording on this machine")
    return found


def _is_there(found: Recording) -> bool:
    """Whether a file exists; a connected server tells when it is asked for the song."""
    return found.server is not None or found.path.is_file()


def _addresses(services: Services, track_id: str, url: str) -> dict[str, Any]:
    """The addresses of a recording, as it is and in the forms that are on offer, and its loudness."""
    found = Tracks(services.store).recording(track_id)
    forms = [
        {"format": name, "type": FORMS[name].media_type, "url": f"{url}&format={name}"}
        for name in services.settings.transcoding.lossy
    ]
    gains = MeasuredTracks(services.store).gains([track_id]).get(track_id, ReplayGain())
    return {
        "url": url,
        # A part of a file is always converted.
        "type": type_of(found) if found and not found.is_part else None,
        "forms": forms,
        "gain": {name: value for name, value in vars(gains).items() if value is not None},
    }


def _conversion(services: Services, found: Recording, query: QueryParams) -> Conversion | None:
    """The conversion that a request asks for; None for the file itself.

    Raises
    ------
    HTTPException
        422: the request asks for a format that is not on offer, or a number is wrong.
    """
    settings = services.settings.transcoding
    try:
        limit = int(query.get("max_bit_rate") or 0)
        start = float(query.get("start") or 0.0)
        if limit < 0 or not math.isfinite(start) or not 0 <= start <= LONGEST_START:
            raise ValueError
        chosen = choose(
            wanted=query.get("format"),
            kilobits=found.kilobits,
            max_kilobits=limit,
            # Without a limit, a player asks for its own format because it cannot decode the file.
            suffix=found.path.suffix.lower() if limit else "",
            usual=settings.lossy,
            usual_kilobits=settings.bit_rate,
        )
    except KeyError:
        raise HTTPException(422, f"format must be raw or one of {', '.join(settings.lossy)}") from None
    except ValueError:
        raise HTTPException(422, "start and max_bit_rate must be numbers that are not negative") from None
    if chosen is None and found.is_part:
        chosen = usual_form(settings)
    if is_after_end(found, start):
        raise HTTPException(422, "start is after the end of the recording")
    return converted_to(found, *chosen, start=start) if chosen else None


def is_after_end(found: Recording, start: float) -> bool:
    """Whether nothing of a recording is left to convert from `start` seconds on."""
    if found.end is not None:
        length = found.end - found.start
    elif found.duration_ms:
        length = found.duration_ms / 1000
    else:
        return False
    return start > 0 and start > length - LEAST_LEFT


def usual_form(settings: TranscodingSettings) -> tuple[Form, int]:
    """The form and the bit rate of a recording for which neither was asked."""
    form = FORMS[settings.lossy[0]]
    return form, form.kilobits(settings.bit_rate)


def converted_to(found: Recording, form: Form, kilobits: int, *, start: float = 0.0) -> Conversion:
    """The conversion of a recording, from `start` seconds on; a part of a file ends where the part does."""
    begin = found.start + start
    end = None if found.end is None else max(begin, found.end)
    return Conversion(path=found.path, form=form, kilobits=kilobits, start=round(begin, 6), end=end)
