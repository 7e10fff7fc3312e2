"""Errors of the API for developers, as problem details (RFC 9457): wherever they arise."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus

from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse

MEDIA = "application/problem+json"
HEADERS = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
"""Of every answer: it is one listener's."""


class Problem(HTTPException):
    """A request that cannot be answered; the text is for the developer of the program."""


def problem(status: int, detail: str, headers: Mapping[str, str] | None = None) -> JSONResponse:
    """The answer for an error. Its type is `about:blank`: the status gives its kind."""
    content = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
    }
    return JSONResponse(content, status, {**HEADERS, **(headers or {})}, media_type=MEDIA)
