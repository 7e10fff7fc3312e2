"""Responses with converted recordings, while they are written and afterwards."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import FileResponse, JSONResponse, Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from segue.audio.errors import AudioError
from segue.audio.transcoding.encoder import Conversion
from segue.audio.transcoding.service import Busy, Reading, Transcoder
from segue.dashboard.api.ranges import without_invalid_range
from segue.dashboard.retry_after import retry_after

_PIECE = 1 << 16
_LOOK_EVERY = 0.05
HEADERS = {"Cache-Control": "private, max-age=3600", "X-Content-Type-Options": "nosniff"}


async def converted(
    transcoder: Transcoder, conversion: Conversion, request: Request, *, owner: str, headers: dict[str, str]
) -> Response:
    """A recording in another form.

    A finished one comes from the cache, with byte ranges. Otherwise the response follows the conversion; its
    length is unknown, and it has no ranges: ask for a later `start` instead. HEAD starts no conversion.
    A response to a client that leaves ends the conversion unless others wait for it.

    Raises
    ------
    HTTPException
        503: too many recordings are being converted, or the cache cannot be written to.
    """
    content_type = conversion.form.content_type
    try:
        path = await run_in_threadpool(transcoder.find, conversion)
        if path is not None:
            without_invalid_range(request)
            return FileResponse(path, media_type=content_type, headers=headers)
        live = headers | {"Accept-Ranges": "none", "Cache-Control": "no-store"}
        if request.method == "HEAD":
            empty = Response(media_type=content_type, headers=live)
            del empty.headers["Content-Length"]  # that of the recording is not known
            return empty
        reading = await run_in_threadpool(transcoder.join, conversion, owner=owner)
    except Busy as error:
        raise _busy(error) from None
    except AudioError as error:
        return _failed(error)
    try:
        await _begun(reading, request)
    except Busy as error:
        reading.close()
        raise _busy(error) from None
    except AudioError as error:
        reading.close()
        return _failed(error)
    except BaseException:
        reading.close()
        raise
    return _Following(reading, media_type=content_type, headers=live)


async def _begun(reading: Reading, request: Request) -> None:
    """Wait for the first bytes, or for the client to leave."""
    while not reading.read(0, 1):
        if reading.has_ended and reading.error is not None:
            raise reading.error
        if await request.is_disconnected():
            raise ClientDisconnect
        await asyncio.sleep(_LOOK_EVERY)


def _busy(error: Busy) -> HTTPException:
    return HTTPException(503, str(error), {**retry_after(), "Cache-Control": "no-store"})


def _failed(error: AudioError) -> Response:
    return JSONResponse(
        {"error": "This recording cannot be converted.", "reason": error.reason},
        status_code=422,
        headers={"Cache-Control": "no-store"},
    )


class _Following(StreamingResponse):
    """A response that ends with the conversion, and breaks off if the conversion fails."""

    def __init__(self, reading: Reading, *, media_type: str, headers: dict[str, str]) -> None:
        super().__init__(_pieces(reading), media_type=media_type, headers=headers)
        self._reading = reading

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._reading.close()


async def _pieces(reading: Reading) -> AsyncIterator[bytes]:
    place = 0
    while True:
        ended = reading.has_ended
        piece = await run_in_threadpool(reading.read, place, _PIECE)
        if piece:
            place += len(piece)
            yield piece
        elif ended:
            if reading.error is not None:
                raise reading.error
            return
        else:
            await asyncio.sleep(_LOOK_EVERY)
