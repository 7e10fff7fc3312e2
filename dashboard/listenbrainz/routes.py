"""The routes: `POST /1/submit-listens` and `GET /1/validate-token`.

The token is an app password. The cookie of the pages opens nothing here, so any page may call the routes.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from segue.dashboard.any_path import below
from segue.dashboard.api.requests import body, client_address, json_object, read_apart
from segue.dashboard.cross_origin import CrossOrigin
from segue.dashboard.failures import AWAY, Failure, failure_of
from segue.dashboard.listenbrainz.scrobbles import Scrobbles
from segue.dashboard.listenbrainz.submission import LARGEST, Invalid, Listen, ListenType, listens_of
from segue.dashboard.paths import LISTENS
from segue.dashboard.seeing import seen_by
from segue.dashboard.services import Services
from segue.people.app_log_in import AppLogIn
from segue.people.app_passwords import AppPassword

SUBMIT, VALIDATE, ELSE = f"{LISTENS}/submit-listens", f"{LISTENS}/validate-token", below(LISTENS)
METHODS = {SUBMIT: "POST", VALIDATE: "GET"}
_SCHEMES = ("token", "bearer")
_SHAPE = '{"listen_type": "single", "payload": [...]}'
Endpoint = Callable[[Request], Awaitable[Response]]


def routes(services: Services) -> list[Route]:
    """See the module."""
    scrobbles, log_in = Scrobbles(services), AppLogIn(services.store)

    async def submit(request: Request) -> Response:
        used = await run_in_threadpool(_used, log_in, request)
        if used is None:
            return _error(401, "Invalid authorization token.")
        with services.receiving.place(used.user_id):
            kind, listens = await read_apart(_read, await body(request, limit=LARGEST))
        with services.matching.place(used.user_id):
            await services.matching.run(lambda: _take(scrobbles, log_in, used, kind, listens))
        return JSONResponse({"status": "ok"})

    async def validate(request: Request) -> Response:
        used = await run_in_threadpool(_used, log_in, request)
        if used is None:
            return JSONResponse({"code": 200, "message": "Token invalid.", "valid": False})
        return JSONResponse({"code": 200, "message": "Token valid.", "valid": True, "user_name": used.name})

    async def refuse(request: Request) -> Response:
        if request.url.path in METHODS:
            return _error(405, f"Call this route by {METHODS[request.url.path]}.")
        return _error(404, f"There is no route {request.url.path[:100]}: Segue has {SUBMIT} and {VALIDATE}.")

    return [
        _route(SUBMIT, _answering(services, submit), METHODS[SUBMIT]),
        _route(VALIDATE, _answering(services, validate), METHODS[VALIDATE]),
        _route(ELSE, refuse, "GET", "POST", "PUT", "DELETE"),
    ]


def _route(path: str, endpoint: Endpoint, *methods: str) -> Route:
    return Route(path, endpoint, methods=[*methods, "OPTIONS"], middleware=[Middleware(CrossOrigin)])


def _answering(services: Services, work: Endpoint) -> Endpoint:
    """The endpoint that does the work, and answers errors as the protocol does."""

    async def answer(request: Request) -> Response:
        if services.availability.is_away:
            return _answered(AWAY)
        try:
            return await work(request)
        except Invalid as error:
            return _error(400, str(error))
        except Exception as error:
            return _answered(failure_of(error, services.availability))

    return answer


def _used(log_in: AppLogIn, request: Request) -> AppPassword | None:
    """The app password of a request; None if there is none such.

    Raises
    ------
    HTTPException
        401: the request has no token.
    """
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() not in _SCHEMES or not token.strip():
        raise HTTPException(401, "You need to provide an Authorization header: Token, and an app password.")
    return log_in.used(token.strip(), address=client_address(request))


def _read(text: bytes) -> tuple[ListenType, list[Listen]]:
    return listens_of(json_object(text, shape=_SHAPE))


def _take(
    scrobbles: Scrobbles, log_in: AppLogIn, used: AppPassword, kind: ListenType, listens: list[Listen]
) -> None:
    with seen_by(used.user_id, used.name):
        if kind == "playing_now":
            scrobbles.play_now(used, listens[0])
        else:
            scrobbles.take(used, listens)
    log_in.note_use(used, client=next((one.client for one in listens if one.client), "ListenBrainz"))


def _answered(failure: Failure) -> Response:
    return _error(failure.status, failure.text, failure.headers)


def _error(status: int, text: str, headers: Mapping[str, str] | None = None) -> Response:
    return JSONResponse({"code": status, "error": text}, status, headers)
