"""The routes of the API for developers, with the checks before each: key, limit and scope."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from segue.dashboard.any_path import below
from segue.dashboard.api.requests import body, client_address
from segue.dashboard.api.v1.accepted import LARGEST
from segue.dashboard.api.v1.described import OPERATIONS, KeyOperation, document
from segue.dashboard.api.v1.events import take
from segue.dashboard.api.v1.finding import found, similar, tuned
from segue.dashboard.api.v1.plans import Streams, plan
from segue.dashboard.failures import AWAY, Failure, failure_of
from segue.dashboard.language.spoken import of_request, spoken
from segue.dashboard.paths import DEVELOPERS as ROOT
from segue.dashboard.problems import HEADERS, Problem, problem
from segue.dashboard.seeing import seen_by
from segue.dashboard.services import Services
from segue.people.api_keys import ApiKey, Use
from segue.people.app_log_in import AppLogIn

ELSEWHERE = (ROOT, below(ROOT))
"""Paths that the API does not have."""
Answering = Callable[[ApiKey, Request], Awaitable[Response]]
_CHALLENGE = {"WWW-Authenticate": 'Bearer realm="Segue"'}


def routes(services: Services) -> list[Route]:
    """See the module."""
    streams = Streams(services)

    def reading(work: Callable[[Services, ApiKey, Request], dict[str, Any]]) -> Answering:
        async def answer(key: ApiKey, request: Request) -> Response:
            asked = services.asking.do(lambda: _seen(work, services, key, request), visitor=key.user_id)
            return _json(await asked)

        return answer

    async def me(key: ApiKey, request: Request) -> Response:
        return _json(
            {
                "user_id": key.user_id,
                "name": key.name,
                "label": key.label,
                "scopes": list(key.scopes),
                "requests_per_minute": services.settings.api.requests_per_minute,
            }
        )

    async def stream(key: ApiKey, request: Request) -> Response:
        return await streams.open(key, request)

    async def events(key: ApiKey, request: Request) -> Response:
        with services.receiving.place(key.user_id):
            sent = await body(request, limit=LARGEST)
        return _json(await services.sending.do(lambda: _seen(take, services, key, sent), visitor=key.user_id))

    answering: dict[str, Answering] = {
        "/me": me,
        "/recommendations": reading(plan),
        "/recommendations/stream": stream,
        "/tracks/{track_id}/similar": reading(similar),
        "/tracks/{track_id}/radio": reading(tuned),
        "/search": reading(found),
        "/events": events,
    }
    origins = Middleware(
        _Origins,
        allow_origins=services.settings.api.allowed_origins,
        allow_methods=("GET", "POST"),
        allow_headers=("authorization", "content-type", "last-event-id"),
        expose_headers=("Retry-After",),
    )
    log_in = AppLogIn(services.store)
    made = [
        Route(
            operation.path,
            _Endpoint(services, log_in, operation, answering.get(operation.path.removeprefix(ROOT))),
            middleware=[origins],
        )
        for operation in OPERATIONS
    ]
    elsewhere = [Route(path, _Nothing(), middleware=[origins]) for path in ELSEWHERE]
    return [*made, *elsewhere]


class _Origins(CORSMiddleware):
    """As the base class; a refusal is a problem, too."""

    def preflight_response(self, request_headers: Headers) -> Response:
        response = super().preflight_response(request_headers)
        if response.status_code == HTTPStatus.OK:
            return response
        kept = ("vary", "access-control-")
        headers = {name: value for name, value in response.headers.items() if name.startswith(kept)}
        return problem(response.status_code, bytes(response.body).decode(), headers)


class _Nothing:
    """The answer for a path that the API does not have, by any method."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        text = f"There is no such route: {ROOT}/openapi.json describes those that there are."
        await problem(404, text)(scope, receive, send)


class _Endpoint:
    """An operation as an ASGI application, so that it also answers methods that it does not have."""

    def __init__(
        self, services: Services, log_in: AppLogIn, operation: KeyOperation, work: Answering | None
    ) -> None:
        self._services, self._log_in = services, log_in
        self._operation, self._work = operation, work

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive, send)
        with spoken(of_request(request)):
            try:
                answer: ASGIApp = await self._answer(request)
            except Exception as error:
                answer = _answered(failure_of(error, self._services.availability))
            await answer(scope, receive, send)

    async def _answer(self, request: Request) -> Response:
        operation = self._operation
        if request.method != operation.method:
            raise Problem(405, f"Call this route by {operation.method}.", {"Allow": operation.method})
        if self._work is None:
            return _json(document())
        if self._services.availability.is_away:
            return _answered(AWAY)
        use = await run_in_threadpool(self._use, request)
        _check(use, operation.scope, most=self._services.settings.api.requests_per_minute)
        return await self._work(use.key, request)

    def _use(self, request: Request) -> Use:
        scheme, _, key = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not key.strip():
            raise Problem(401, "Send an API key in the header Authorization: Bearer KEY.", _CHALLENGE)
        use = self._log_in.request(key.strip(), address=client_address(request))
        if use is None:
            raise Problem(
                401, "This API key is not valid.", {"WWW-Authenticate": 'Bearer error="invalid_token"'}
            )
        return use


def _check(use: Use, scope: str | None, *, most: int) -> None:
    """Refuse a request beyond the limit, or without the scope."""
    if use.requests > most:
        seconds = max(1, round((use.ends - datetime.now(UTC)).total_seconds()))
        detail = f"This listener's keys may send {most} requests within a minute."
        raise Problem(429, detail, {"Retry-After": str(seconds)})
    if scope is not None and scope not in use.key.scopes:
        challenge = f'Bearer error="insufficient_scope", scope="{scope}"'
        raise Problem(403, f"This key lacks the scope {scope}.", {"WWW-Authenticate": challenge})


def _seen(work: Callable[..., dict[str, Any]], services: Services, key: ApiKey, given: object) -> Any:
    """The result of work, whose reads of the catalogue are those of the key's listener."""
    with seen_by(key.user_id, key.name):
        return work(services, key, given)


def _json(content: Mapping[str, Any]) -> JSONResponse:
    return JSONResponse(content, headers=HEADERS)


def _answered(failure: Failure) -> Response:
    return problem(failure.status, failure.text, failure.headers)
