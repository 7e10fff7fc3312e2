"""The routes of the API: `/rest/NAME` and `/rest/NAME.view`, by GET or as a form by POST."""

from __future__ import annotations

from starlette.middleware import Middleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from segue.dashboard.any_path import below
from segue.dashboard.api.requests import client_address
from segue.dashboard.cross_origin import CrossOrigin, readable
from segue.dashboard.failures import AWAY, failure_of
from segue.dashboard.opensubsonic import (
    absent,
    annotation,
    bookmarks,
    browsing,
    lists,
    lyrics,
    media,
    plan,
    playing,
    playlists,
    queue,
    searching,
    sharing,
    similar,
    system,
    transcoding,
    users,
)
from segue.dashboard.opensubsonic.answers import Form, protocol_error, unavailable
from segue.dashboard.opensubsonic.call import Call, Content, Endpoint, Sending
from segue.dashboard.opensubsonic.credentials import Caller
from segue.dashboard.opensubsonic.failure import Code, ProtocolError, missing
from segue.dashboard.opensubsonic.parameters import Parameters, has_form
from segue.dashboard.opensubsonic.server import Server
from segue.dashboard.paths import APPS, Callers, callers_of
from segue.dashboard.seeing import seen_by
from segue.dashboard.services import Services

PATH = f"{APPS}/{{name}}"
_ELSE = below(APPS)
_METHODS = ("GET", "POST", "OPTIONS")
_OTHER_METHODS = ("PUT", "PATCH", "DELETE")
_ENDING = ".view"
_OPEN = "getOpenSubsonicExtensions"
_REQUIRED = ("v", "c")
"""The parameters of every call, besides the credentials."""
ANSWERS: dict[str, Endpoint] = {
    **absent.ENDPOINTS,
    **annotation.ENDPOINTS,
    **bookmarks.ENDPOINTS,
    **browsing.ENDPOINTS,
    **lists.ENDPOINTS,
    **lyrics.ENDPOINTS,
    **plan.ENDPOINTS,
    **playing.ENDPOINTS,
    **playlists.ENDPOINTS,
    **queue.ENDPOINTS,
    **searching.ENDPOINTS,
    **sharing.ENDPOINTS,
    **similar.ENDPOINTS,
    **system.ENDPOINTS,
    **users.ENDPOINTS,
}
"""Endpoints whose answers are JSON or XML."""
FILES: dict[str, Sending] = {**media.ENDPOINTS, **transcoding.ENDPOINTS}
"""Endpoints that send files."""
NAMES = frozenset({*ANSWERS, *FILES, "getTranscodeDecision", _OPEN})


def routes(services: Services) -> list[Route]:
    """See the module."""
    server = Server(services)

    async def answer(request: Request) -> Response:
        return await _answered(server, request)

    async def refuse(request: Request) -> Response:
        return form_of(request).failure(_refusal(request))

    open_to_all = [Middleware(CrossOrigin)]
    return [
        Route(PATH, answer, methods=list(_METHODS), middleware=open_to_all),
        Route(_ELSE, refuse, methods=[*_METHODS, *_OTHER_METHODS], middleware=open_to_all),
    ]


def _refusal(request: Request) -> ProtocolError:
    """The error for a method or a path that the protocol does not have."""
    if request.method in _OTHER_METHODS:
        return ProtocolError(Code.GENERIC, f"Call by GET or POST, not by {request.method}.", status=405)
    return ProtocolError(Code.GENERIC, "There is no such endpoint.", status=404)


def form_of(request: Request) -> Form:
    """The form of the answer, by the parameters in the address."""
    return Form(request.query_params.get("f"), callback=request.query_params.get("callback"))


def no_room(request: Request) -> Response:
    """The answer to a call for which there is no room, in the form of its protocol."""
    words = "There is no room for another call: try again later."
    if callers_of(request.url.path) is Callers.MUSIC_APPS:
        return readable(form_of(request).failure(unavailable(words)))
    return readable(JSONResponse({"code": 503, "error": words}, 503))


async def _answered(server: Server, request: Request) -> Response:
    form = form_of(request)
    try:
        name = _endpoint(request)
        parameters, caller = Parameters.of_address(request), None
        is_whole = all(parameters.given(own) is not None for own in ("c", "f"))
        if has_form(request) and name != _OPEN and parameters.have_credentials and is_whole:
            # Nobody has a form read with wrong credentials, unless it names the app, or says how to answer.
            caller = await server.work(_caller, server, request, parameters)
        parameters = await parameters.with_form(request)
        form = Form(parameters.optional("f"), callback=parameters.optional("callback"))
        return await _result(server, request, parameters, form, name=name, caller=caller)
    except ClientDisconnect:
        return Response(status_code=499)
    except ProtocolError as error:
        return form.failure(error)
    except Exception as error:
        return form.failure(protocol_error(failure_of(error, server.services.availability)))


def _endpoint(request: Request) -> str:
    """The name of the endpoint.

    Raises
    ------
    ProtocolError
        There is none of this name.
    """
    name: str = request.path_params["name"].removesuffix(_ENDING)
    if name not in NAMES:
        raise ProtocolError(Code.GENERIC, f"There is no endpoint {name[:60]}.", status=404)
    return name


async def _result(
    server: Server, request: Request, parameters: Parameters, form: Form, *, name: str, caller: Caller | None
) -> Response:
    if name == _OPEN:
        return form.answer(system.extensions())
    if name in ANSWERS:
        return form.answer(await server.work(_content, server, request, parameters, name, caller))
    call = await server.work(_call, server, request, parameters, caller)
    with seen_by(call.caller.user_id, call.caller.name):
        if name in FILES:
            return await FILES[name](call)
        return form.answer(await transcoding.decision(call))


def _content(
    server: Server, request: Request, parameters: Parameters, name: str, caller: Caller | None
) -> Content:
    call = _call(server, request, parameters, caller)
    with seen_by(call.caller.user_id, call.caller.name):
        return ANSWERS[name](call)


def _caller(server: Server, request: Request, parameters: Parameters) -> Caller:
    if server.services.availability.is_away:
        raise protocol_error(AWAY)
    return server.credentials.caller(parameters, address=client_address(request))


def _call(server: Server, request: Request, parameters: Parameters, known: Caller | None) -> Call:
    caller = known or _caller(server, request, parameters)
    for name in _REQUIRED:
        if parameters.given(name) is None:
            raise missing(name)
    operator = users.may_operate(caller.name, caller.user_id, server.settings.dashboard)
    return Call(server=server, caller=caller, parameters=parameters, request=request, operator=operator)
