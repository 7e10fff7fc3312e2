"""`POST /api/similar`: the tracks that sound most like the file in the body.

The upload goes to an unnamed temporary file, so that nothing of it stays even if the process is killed.
"""

from __future__ import annotations

import os
import tempfile
from typing import IO, Any

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from segue.audio.errors import AudioError
from segue.dashboard.api.requests import (
    NO_INDEX,
    announced_size,
    client_address,
    parts,
    refuse_cross_site,
    session_of,
    unavailable,
)
from segue.dashboard.language.formats import percent
from segue.dashboard.language.words import gettext, translated
from segue.dashboard.queries.sounding import LARGEST_FILE, LONGEST, similar_to_file
from segue.dashboard.services import Services
from segue.dashboard.slow_work import Full
from segue.errors import SegueError
from segue.people.login_failures import network_of
from segue.phrases import marked, phrase

WORDS = {
    "empty": marked("This file is empty."),
    "not-audio": marked("This is not a readable audio file. Try mp3, ogg, opus, flac, m4a, aac or wav."),
    "truncated": marked("This file is damaged: it is shorter than its header says."),
    "too-short": marked("This file is too short: at least a few seconds of music are needed."),
    "too-long": phrase(
        "This file is longer than {minutes} minutes. Try a single song.", minutes=round(LONGEST / 60)
    ),
    "silent": marked("This file is silent."),
    "not-finite": marked("This file is damaged: its samples are not numbers."),
    "too-slow": marked("This file takes too long to read. Try it in another format."),
}
"""The message to the listener, by :attr:`segue.audio.errors.AudioError.reason`."""


def routes(services: Services) -> list[Route]:
    """See the module."""

    async def similar(request: Request) -> Response:
        refuse_cross_site(request, services.settings.dashboard.base_url)
        await session_of(services, request)
        if announced_size(request) > LARGEST_FILE:
            raise HTTPException(413, translated(_TOO_LARGE))
        try:
            with services.comparing.place(network_of(client_address(request))):
                return await received(request)
        except Full as full:
            return JSONResponse(
                {"error": translated(_BUSY[full.status_code])}, full.status_code, headers=full.headers
            )

    async def received(request: Request) -> Response:
        with tempfile.TemporaryFile(prefix="segue-") as file:
            await _receive(request, file)
            return await services.comparing.run(lambda: _compared(services, file))

    return [Route("/api/similar", similar, methods=["POST"])]


_TOO_LARGE = phrase("This file is larger than {size} MB.", size=LARGEST_FILE // 1024 // 1024)
_BUSY = {
    503: marked("Other files are being analysed: try again in a moment."),
    429: marked("Your other files are being analysed: try again when they are done."),
}


async def _receive(request: Request, file: IO[bytes]) -> None:
    async for part in parts(request, limit=LARGEST_FILE, too_large=translated(_TOO_LARGE)):
        await run_in_threadpool(file.write, part)
    await run_in_threadpool(file.flush)


def _compared(services: Services, file: IO[bytes]) -> Response:
    try:
        near = similar_to_file(
            services.catalogue, services.settings, f"/proc/{os.getpid()}/fd/{file.fileno()}"
        )
    except AudioError as error:
        message = WORDS.get(error.reason, WORDS["not-audio"])
        return JSONResponse({"error": translated(message), "reason": error.reason}, status_code=422)
    except SegueError as error:
        return JSONResponse({"error": unavailable(error, NO_INDEX), "reason": "not-ready"}, status_code=503)
    items: list[dict[str, Any]] = [
        {
            **similar.item.data(),
            "note": gettext("{percent} similar", percent=percent(max(0.0, similar.score))),
        }
        for similar in near
    ]
    return JSONResponse({"items": items}, headers={"Cache-Control": "no-store"})
