"""Sends recordings as they are: files of this machine, and songs of connected servers, which are passed
through.

A passed-through answer has the status, the ranges and the length of the server's own. Its type is one of
sound: a server must not choose how a browser reads the answer.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

import anyio.to_thread
import httpx
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from segue.audio.transcoding.encoder import Conversion
from segue.audio.transcoding.media_types import CONTENT_TYPES, SINGLE, media_type
from segue.catalog.track_records import Recording
from segue.connected.faults import NoSuchThing, ServerAway, ServerFault
from segue.connected.originals import Originals
from segue.dashboard.api.ranges import without_invalid_range
from segue.dashboard.services import Services
from segue.errors import SegueError

RETRY_SECONDS = 30
Result = TypeVar("Result")
_ASKED = ("Range", "If-Range")
_PASSED = ("Content-Length", "Content-Range", "Accept-Ranges", "ETag", "Last-Modified")
_USUAL = {
    **SINGLE,
    ".ogg": 'audio/ogg; codecs="vorbis"',
    ".oga": 'audio/ogg; codecs="vorbis"',
    ".m4a": 'audio/mp4; codecs="mp4a.40.2"',
    ".mp4": 'audio/mp4; codecs="mp4a.40.2"',
    ".wav": "audio/wav",
}
"""The most usual media type of a suffix, where the file cannot be probed."""


def type_of(found: Recording) -> str | None:
    """The media type of a recording with its codec; None if no browser plays it. It may read a file."""
    return media_type(found.path) if found.server is None else _USUAL.get(found.path.suffix.lower())


async def as_it_is(
    services: Services, found: Recording, request: Request, *, headers: Mapping[str, str]
) -> Response:
    """A recording as it is, with byte ranges.

    Raises
    ------
    HTTPException
        404: the server of the song does not have it; 503: it does not answer.
    """
    content_type = CONTENT_TYPES[found.path.suffix.lower()]
    without_invalid_range(request)
    if found.server is None:
        return FileResponse(found.path, media_type=content_type, headers=dict(headers))
    asked = {name: value for name in _ASKED if (value := request.headers.get(name))}
    opened = ExitStack()
    try:
        answer = await apart(
            services, opened.enter_context, services.originals.opened(found.server, headers=asked)
        )
    except SegueError as error:
        raise _unavailable(error) from None
    # Other signs cannot be sent.
    readable = {name: value for name, value in answer.headers.items() if value.isascii()}
    passed = {name: value for name in _PASSED if (value := readable.get(name.lower()))}
    kind = readable.get("content-type", "")
    own = {**headers, **passed, "Content-Type": kind if kind.startswith("audio/") else content_type}
    beyond = answer.status_code == httpx.codes.REQUESTED_RANGE_NOT_SATISFIABLE
    if beyond or request.method == "HEAD":
        await apart(services, opened.close)
        if beyond:  # the server's page, if it sends one, is not passed on
            own["Content-Length"] = "0"
        empty = Response(status_code=answer.status_code, headers=own)
        if "Content-Length" not in own:
            del empty.headers["Content-Length"]
        return empty
    return _Passing(services, answer, opened, headers=own)


async def converting(services: Services, found: Recording, conversion: Conversion) -> Conversion:
    """The conversion of a recording, for which a song of a server is transferred first.

    Raises
    ------
    HTTPException
        As for :func:`as_it_is`.
    """
    if found.server is None:
        return conversion
    try:
        path = await apart(services, _transferred, services.originals, found)
    except SegueError as error:
        raise _unavailable(error) from None
    return replace(conversion, path=path)


async def apart(services: Services, work: Callable[..., Result], *given: object) -> Result:
    """The result of work that waits for another server, in threads of its own: a slow server holds up no
    page.
    """
    return await anyio.to_thread.run_sync(work, *given, limiter=services.passing)


def _transferred(originals: Originals, found: Recording) -> Path:
    assert found.server is not None
    return originals.file(found.server, size=found.size)


def _unavailable(error: SegueError) -> HTTPException:
    if isinstance(error, NoSuchThing):
        return HTTPException(404, "the server of this song does not have it any more")
    text = (
        "the server of this song does not answer"
        if isinstance(error, ServerFault)
        else "this song cannot be played"
    )
    return HTTPException(503, text, {"Retry-After": str(RETRY_SECONDS), "Cache-Control": "no-store"})


class _Passing(StreamingResponse):
    """The bytes of another server's answer, which is closed at the end, or when the client leaves."""

    def __init__(
        self, services: Services, answer: httpx.Response, opened: ExitStack, *, headers: Mapping[str, str]
    ) -> None:
        super().__init__(_pieces(services, answer), status_code=answer.status_code, headers=headers)
        self._opened = opened

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._opened.close()


async def _pieces(services: Services, answer: httpx.Response) -> AsyncIterator[bytes]:
    parts = answer.iter_raw()
    try:
        while (piece := await apart(services, next, parts, None)) is not None:
            yield piece
    except httpx.HTTPError as error:  # its text may have the address of the request
        raise ServerAway(f"another server broke off a recording: {type(error).__name__}") from None
