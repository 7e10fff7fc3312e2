"""`POST /api/similar`: the tracks that sound most like the file in the body.

The file has no name on the disk: it is gone with its last reader, even if this process is killed.
"""

from __future__ import annotations

import os
import tempfile
from typing import IO, Any

from anyio import CapacityLimiter, to_thread
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from segue.audio.errors import AudioError
from segue.dashboard.api.requests import asking, refuse_foreign
from segue.dashboard.queries.sounding import LARGEST_FILE, LONGEST, like_file
from segue.dashboard.services import Services
from segue.errors import SegueError

AT_ONCE = 4
"""Files in hand; more are asked to come again."""
_CORES = 1
WORDS = {
    "empty": "This file is empty.",
    "not-audio": "This is not a recording that can be read. Try mp3, ogg, opus, flac, m4a, aac or wav.",
    "truncated": "This file is damaged: it ends long before it says.",
    "too-short": "This is too short to say what it sounds like: a few seconds of music are needed.",
    "too-long": f"This is longer than {LONGEST / 60:.0f} minutes. Try a single song.",
    "silent": "There is no sound in this file: it is silent.",
    "not-finite": "This file is damaged: its samples are not numbers.",
    "too-slow": "This file takes too long to read. Try it in another format.",
}
"""The message to the listener, by :attr:`segue.audio.errors.AudioError.reason`."""


def routes(services: Services) -> list[Route]:
    """See the module."""
    cores = CapacityLimiter(_CORES)
    in_hand = CapacityLimiter(AT_ONCE)

    async def similar(request: Request) -> Response:
        refuse_foreign(request)
        await asking(services, request)
        if int(request.headers.get("content-length", "0") or 0) > LARGEST_FILE:
            raise HTTPException(413, _TOO_LARGE)
        if in_hand.available_tokens < 1:
            return JSONResponse({"error": _BUSY}, status_code=503, headers={"Retry-After": "10"})
        async with in_hand:
            with tempfile.TemporaryFile(prefix="segue-") as file:
                await _receive(request, file)
                answer = await to_thread.run_sync(_compared, services, file, limiter=cores)
        return answer

    return [Route("/api/similar", similar, methods=["POST"])]


_TOO_LARGE = f"This file has more than {LARGEST_FILE // 1024 // 1024} MB."
_BUSY = "Other files are being listened to: try again in a moment."


async def _receive(request: Request, file: IO[bytes]) -> None:
    size = 0
    try:
        async for part in request.stream():
            size += len(part)
            if size > LARGEST_FILE:
                raise HTTPException(413, _TOO_LARGE)
            await run_in_threadpool(file.write, part)
    except ClientDisconnect:
        raise HTTPException(400, "the file did not arrive as a whole") from None
    await run_in_threadpool(file.flush)


def _compared(services: Services, file: IO[bytes]) -> Response:
    try:
        near = like_file(services.catalogue, services.settings, f"/proc/{os.getpid()}/fd/{file.fileno()}")
    except AudioError as error:
        message = WORDS.get(error.reason, WORDS["not-audio"])
        return JSONResponse({"error": message, "reason": error.reason}, status_code=422)
    except SegueError as error:
        return JSONResponse({"error": str(error), "reason": "not-ready"}, status_code=503)
    items: list[dict[str, Any]] = [
        {**similar.item.data(), "note": f"{max(0.0, similar.score):.0%} alike"} for similar in near
    ]
    return JSONResponse({"items": items}, headers={"Cache-Control": "no-store"})
