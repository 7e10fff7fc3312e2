"""`GET /api/openapi.json`: the API as an OpenAPI 3.1 document (:mod:`segue.dashboard.api.described`)."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from segue import __version__
from segue.dashboard.api import schemas as s
from segue.dashboard.api.described import OPERATIONS, Answer, Operation
from segue.dashboard.services import Services
from segue.people.login_sessions import COOKIE

OperationT = TypeVar("OperationT", bound=Operation)
_JSON = "application/json"
_NO_SESSION = Answer(text="There is no session: load a page first.", body="text/plain")
_FOREIGN = Answer(text="The request comes from another site.", body="text/plain")


def routes(services: Services) -> list[Route]:
    """See the module."""

    async def described(request: Request) -> Response:
        return JSONResponse(document())

    return [Route("/api/openapi.json", described, methods=["GET"])]


@functools.cache
def document() -> dict[str, Any]:
    """The OpenAPI document."""
    return document_of(
        OPERATIONS,
        title="Segue",
        answers=answers,
        scheme={"session": {"type": "apiKey", "in": "cookie", "name": COOKIE}},
        is_open=lambda operation: not operation.session,
    )


def document_of(
    operations: Sequence[OperationT],
    *,
    title: str,
    answers: Callable[[OperationT], Mapping[int, Answer]],
    scheme: Mapping[str, Mapping[str, Any]],
    is_open: Callable[[OperationT], bool],
) -> dict[str, Any]:
    """An OpenAPI document.

    Parameters
    ----------
    answers
        All responses of an operation by status code.
    scheme
        The security scheme by its name.
    is_open
        Whether an operation needs no credentials.
    """
    described = [(operation, answers(operation)) for operation in operations]
    bodies = (
        body
        for operation, responses in described
        for body in (operation.body, *(answer.body for answer in responses.values()))
    )
    models = {body for body in bodies if isinstance(body, type)}
    _, definitions = models_json_schema(
        [(model, "validation") for model in sorted(models, key=lambda model: model.__name__)],
        ref_template="#/components/schemas/{model}",
    )
    paths: dict[str, Any] = {}
    for operation, responses in described:
        security: list[dict[str, list[str]]] = [] if is_open(operation) else [{name: [] for name in scheme}]
        paths.setdefault(operation.path, {})[operation.method.lower()] = {
            **_operation(operation, responses),
            "security": security,
        }
    return {
        "openapi": "3.1.0",
        "info": {"title": title, "version": __version__, "license": {"name": "Apache-2.0"}},
        "paths": paths,
        "components": {"schemas": definitions.get("$defs", {}), "securitySchemes": dict(scheme)},
    }


def answers(operation: Operation) -> dict[int, Answer]:
    """All responses of an operation by status code, with those of the checks before it."""
    responses = dict(operation.answers)
    if operation.session:
        responses[401] = _NO_SESSION
    if operation.changes:
        responses[403] = _FOREIGN
    if operation.database:
        away = "The database does not answer; `Retry-After` gives the seconds to wait."
        media = s.Error if operation.path.startswith("/api/") else "text/html"
        responses.setdefault(503, Answer(text=away, body=media))
    return dict(sorted(responses.items()))


def _operation(operation: Operation, responses: Mapping[int, Answer]) -> dict[str, Any]:
    parameters = [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
        for name in re.findall(r"{(\w+)}", operation.path)
    ]
    parameters += [
        {
            "name": parameter.name,
            "in": parameter.place,
            "required": parameter.required,
            "description": parameter.text,
            "schema": dict(parameter.schema),
        }
        for parameter in operation.query
    ]
    described: dict[str, Any] = {
        "tags": [operation.tag],
        "summary": operation.summary,
        "responses": {str(status): _answer(answer) for status, answer in responses.items()},
    }
    if parameters:
        described["parameters"] = parameters
    if operation.body:
        described["requestBody"] = {"required": True, "content": _content(operation.body, _JSON)}
    return described


def _answer(answer: Answer) -> dict[str, Any]:
    content = {"content": _content(answer.body, answer.media)} if answer.body else {}
    return {"description": answer.text, **content}


def _content(body: type[BaseModel] | str, media: str) -> dict[str, Any]:
    if isinstance(body, str):
        return {body: {}}
    return {media: {"schema": {"$ref": f"#/components/schemas/{body.__name__}"}}}
