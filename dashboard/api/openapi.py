"""`GET /api/openapi.json`: the API as an OpenAPI 3.1 document (:mod:`segue.dashboard.api.described`)."""

from __future__ import annotations

import functools
import re
from typing import Any

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
    bodies = (body for operation in OPERATIONS for body in _bodies(operation))
    models = {body for body in bodies if isinstance(body, type)}
    _, definitions = models_json_schema(
        [(model, "validation") for model in sorted(models, key=lambda model: model.__name__)],
        ref_template="#/components/schemas/{model}",
    )
    paths: dict[str, Any] = {}
    for operation in OPERATIONS:
        paths.setdefault(operation.path, {})[operation.method.lower()] = _operation(operation)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Segue", "version": __version__, "license": {"name": "Apache-2.0"}},
        "paths": paths,
        "components": {
            "schemas": definitions.get("$defs", {}),
            "securitySchemes": {"session": {"type": "apiKey", "in": "cookie", "name": COOKIE}},
        },
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


def _bodies(operation: Operation) -> list[type[BaseModel] | str | None]:
    return [operation.body, *(answer.body for answer in answers(operation).values())]


def _operation(operation: Operation) -> dict[str, Any]:
    parameters = [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
        for name in re.findall(r"{(\w+)}", operation.path)
    ]
    parameters += [
        {
            "name": parameter.name,
            "in": "query",
            "required": parameter.required,
            "description": parameter.text,
            "schema": {"type": "string"},
        }
        for parameter in operation.query
    ]
    described: dict[str, Any] = {
        "tags": [operation.tag],
        "summary": operation.summary,
        "security": [{"session": []}] if operation.session else [],
        "responses": {str(status): _answer(answer) for status, answer in answers(operation).items()},
    }
    if parameters:
        described["parameters"] = parameters
    if operation.body:
        described["requestBody"] = {"required": True, "content": _content(operation.body)}
    return described


def _answer(answer: Answer) -> dict[str, Any]:
    content = {"content": _content(answer.body)} if answer.body else {}
    return {"description": answer.text, **content}


def _content(body: type[BaseModel] | str) -> dict[str, Any]:
    if isinstance(body, str):
        return {body: {}}
    return {"application/json": {"schema": {"$ref": f"#/components/schemas/{body.__name__}"}}}
