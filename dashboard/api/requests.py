"""Requests: the session, opened for new visitors, the origin and the body.

A body is received in the event loop, and read in one of a few threads of its own, so that no visitor's body
stops the pages. The JSON parser does not give way to other threads, so the number of values is limited, too.
"""

from __future__ import annotations

import json
import logging
import math
from collections.abc import AsyncIterator, Callable
from typing import Any, TypeVar

import anyio
import anyio.to_thread
from anyio.lowlevel import RunVar
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from segue.dashboard.language.words import translated
from segue.dashboard.paths import is_of_pages
from segue.dashboard.protection import is_same_site
from segue.dashboard.services import Services
from segue.dashboard.slow_bodies import patience
from segue.errors import SegueError
from segue.normal_forms import whole
from segue.people.login_sessions import COOKIE, LIFETIME, Listener, LoginSessions
from segue.people.newcomers import Newcomers, limited_network
from segue.people.operator_links import PATH
from segue.phrases import marked

log = logging.getLogger(__name__)
Result = TypeVar("Result")
MOST_VALUES = 100_000
"""The values of a JSON body: a playlist of 10,000 songs has as many, a submission of 1,000 listens 30,000."""
REFUSED_BYTES = 8 * 1024 * 1024
"""The most bytes of a body that are received after it has become too long."""
_READERS = 2
_AT_ONCE = 4096
"""Bytes; a thread would cost more than to read such a body."""
_readers: RunVar[anyio.CapacityLimiter] = RunVar("readers of bodies")


class Guests:
    """ASGI middleware: a page offers the cookie of a guest session if the visitor has no session.

    Then the page's WebSocket sends the cookie, and visitors can use Segue without signing up. If the address
    has too many new guests by then, no session begins, and the page has the forms to log in.
    """

    def __init__(
        self, app: ASGIApp, login_sessions: LoginSessions, newcomers: Newcomers | None = None
    ) -> None:
        self._app, self._login_sessions, self._newcomers = app, login_sessions, newcomers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not is_page(request := Request(scope)):
            await self._app(scope, receive, send)
            return
        if await run_in_threadpool(self._login_sessions.find, request.cookies.get(COOKIE)):
            await self._app(scope, receive, send)
            return
        header = Response()
        network = self._newcomers.network(client_address(request)) if self._newcomers else ""
        token = await run_in_threadpool(self._login_sessions.offer, network)
        header.set_cookie(COOKIE, token, **cookie_options(secure=scope["scheme"] == "https"))

        async def send_with_cookie(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers.append("set-cookie", header.headers["set-cookie"])
                headers["cache-control"] = "no-store"
            await send(message)

        await self._app(scope, receive, send_with_cookie)


async def as_guest(services: Services, request: Request, response: Response) -> Response:
    """A response that makes the browser a new guest's."""
    network = services.newcomers.network(client_address(request))
    token = await run_in_threadpool(services.login_sessions.offer, network)
    response.set_cookie(COOKIE, token, **cookie_options(secure=request.url.scheme == "https"))
    return response


def is_page(request: Request) -> bool:
    """Whether a browser opens a page rather than fetching a resource of a page."""
    return (
        request.method == "GET"
        and "text/html" in request.headers.get("accept", "")
        and request.url.path != PATH
        and is_of_pages(request.url.path)
    )


def cookie_options(*, secure: bool) -> dict[str, Any]:
    """The options of the session cookie, for `set_cookie`."""
    return {
        "max_age": int(LIFETIME.total_seconds()),
        "path": "/",
        "httponly": True,
        "samesite": "lax",
        "secure": secure,
    }


def client_address(request: Request) -> str:
    """The visitor's address, by which attempts are counted; a trusted proxy may have passed it on."""
    return request.client.host if request.client else "unknown"


def visitor_of(request: Request, listener: Listener) -> str:
    """The visitor's network, for limits that one visitor cannot avoid as several guests.

    On this machine, whose visitors all have the same address, the listener's id.
    """
    return limited_network(client_address(request)) or listener.user_id


async def session_of(services: Services, request: Request) -> tuple[Listener, str]:
    """The listener of the request's session, and the session's token.

    Raises
    ------
    HTTPException
        401: there is no session.
    """
    token = request.cookies.get(COOKIE)
    listener = await run_in_threadpool(services.login_sessions.find, token)
    if listener is None or token is None:
        raise HTTPException(401, "no session: reload the page")
    return listener, token


NO_INDEX = marked("There is no usable index at the moment. Try again later.")
NO_SERVER = marked("A server does not answer: try again in a moment.")


def unavailable(error: SegueError, words: str) -> str:
    """Log an error, and return the marked words in the language of the listener.

    The error is written for operators: it names folders, addresses and commands.
    """
    log.warning("%s %s", words, error)
    return translated(words)


def refuse_cross_site(request: Request, base_url: str = "") -> None:
    """Refuse cross-site requests (CSRF), in addition to the cookie's SameSite.

    Parameters
    ----------
    base_url
        The setting `dashboard.base_url`: a proxy may send another Host than the browser's.

    Raises
    ------
    HTTPException
        403: the headers Origin or Sec-Fetch-Site name another site.
    """
    origin, host = request.headers.get("origin"), request.headers.get("host", "")
    foreign = origin is not None and not is_same_site(origin, host, base_url)
    if foreign or request.headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
        log.warning("refused a request from %r to the host %r: is dashboard.base_url set?", origin, host)
        raise HTTPException(403, "only Segue's own pages may send this request")


async def parts(request: Request, *, limit: int, too_large: str = "") -> AsyncIterator[bytes]:
    """The request's body in parts, up to `limit` bytes.

    The rest of a longer one is received without being kept, up to :data:`REFUSED_BYTES`: proxies answer 502
    if the connection is closed while they send.

    Raises
    ------
    HTTPException
        413: it is longer, with the text `too_large`. 408: it comes too slowly. 400: the client disconnected.
    """
    stream, began, size = request.stream(), anyio.current_time(), 0
    refusal = HTTPException(413, too_large or f"more than {limit} bytes")
    while size <= limit + REFUSED_BYTES:
        left = began + patience(min(size, limit)) - anyio.current_time()
        try:
            with anyio.fail_after(left):
                part = await anext(stream)
        except StopAsyncIteration:
            break
        except TimeoutError:
            raise refusal if size > limit else HTTPException(408, "the body came too slowly") from None
        except ClientDisconnect:  # the tab was closed; its outbox sends the events again later
            raise HTTPException(400, "the body broke off") from None
        size += len(part)
        if size <= limit:
            yield part
    if size > limit:
        raise refusal


async def body(request: Request, *, limit: int) -> bytes:
    """The request's body; raises as :func:`parts`."""
    return b"".join([part async for part in parts(request, limit=limit)])


def announced_size(request: Request) -> int:
    """The size of the body by the request's header, in bytes; 0 without one.

    Raises
    ------
    HTTPException
        400: it is not a number.
    """
    try:
        return int(request.headers.get("content-length") or 0)
    except ValueError:
        raise HTTPException(400, "Content-Length must be a number") from None


async def read_apart(read: Callable[[bytes], Result], content: bytes) -> Result:
    """The result of a function for a body; in one of the threads for this unless the body is small."""
    if len(content) <= _AT_ONCE:
        return read(content)
    try:
        limiter = _readers.get()
    except LookupError:
        limiter = anyio.CapacityLimiter(_READERS)
        _readers.set(limiter)
    return await anyio.to_thread.run_sync(read, content, limiter=limiter)


LARGEST_NUMBER = 2**63 - 1
"""MongoDB and Kafka's readers in other languages have no larger integers."""


def _no_number(_: str) -> None:
    """NaN and infinities are no JSON: their fields count as missing, as far as they may be."""
    return None


def _float(text: str) -> float | None:
    number = float(text)
    return number if math.isfinite(number) else None


def _int(text: str) -> int | None:
    number = int(text) if len(text) <= len(str(LARGEST_NUMBER)) + 1 else LARGEST_NUMBER + 1
    return number if abs(number) <= LARGEST_NUMBER else None


def _without_surrogates(value: Any) -> Any:
    """The value with halves of characters, which cannot be stored, replaced by U+FFFD."""
    if isinstance(value, str):
        return whole(value)
    if isinstance(value, list):
        return [_without_surrogates(part) for part in value]
    if isinstance(value, dict):
        return {_without_surrogates(key): _without_surrogates(part) for key, part in value.items()}
    return value


async def json_body(request: Request, *, limit: int, shape: str) -> dict[str, Any]:
    """The request's body as a JSON object.

    Parameters
    ----------
    shape
        A description of the expected object, for the error message.

    Raises
    ------
    HTTPException
        400, 413: as for :func:`json_object`. 408, 413, 400: as for :func:`parts`.
    """
    content = await body(request, limit=limit)
    return await read_apart(lambda text: json_object(text, shape=shape), content)


def json_object(text: bytes, *, shape: str) -> dict[str, Any]:
    """A JSON object from a body.

    Raises
    ------
    HTTPException
        400: it is not an object. 413: it has more than :data:`MOST_VALUES` values.
    """
    # Commas and brackets within texts count, too: no sensible body has that many.
    if sum(text.count(mark) for mark in (b",", b"[", b"{")) > MOST_VALUES:
        raise HTTPException(413, f"more than {MOST_VALUES} values")
    try:
        content = json.loads(text, parse_constant=_no_number, parse_float=_float, parse_int=_int)
        content = _without_surrogates(content)
    except (ValueError, RecursionError):
        content = None
    if not isinstance(content, dict):
        raise HTTPException(400, f"the body must be {shape}")
    return content
