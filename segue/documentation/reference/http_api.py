"""The page on the HTTP API."""

from __future__ import annotations

from collections.abc import Iterator

from pydantic import BaseModel

from segue.dashboard.api.described import OPERATIONS, Operation
from segue.dashboard.api.openapi import answers, document
from segue.documentation.reference import markdown as md

_TAGS = {
    "player": "The player",
    "finding": "Finding music",
    "playlists": "Playlists",
    "people": "Accounts and personal data",
    "sharing": "Share links",
    "description": "The API itself",
}


def render() -> str:
    """The page."""
    return md.page(
        "HTTP API",
        "The dashboard serves these routes beside its pages. `GET /api/openapi.json` returns the same "
        "description as an "
        "OpenAPI 3.1 document.",
        "A session is the cookie `segue_session`, which any page sets. Requests that change something, and "
        "the export, "
        "are refused with 403 if they come from another site. An error has a message as plain text, or as "
        '`{"error": …}` where the table names `Error`.',
        *(part for tag, title in _TAGS.items() for part in _group(tag, title)),
        "## Schemas",
        *(
            part
            for name, schema in document()["components"]["schemas"].items()
            for part in _schema(name, schema)
        ),
    )


def _group(tag: str, title: str) -> Iterator[str]:
    yield f"## {title}"
    for operation in OPERATIONS:
        if operation.tag == tag:
            yield f"### `{operation.method} {operation.path}`"
            yield f"{operation.summary}. {'Needs a session.' if operation.session else 'Needs no session.'}"
            if operation.query:
                yield "Query: " + " ".join(
                    f"`{parameter.name}`{'' if parameter.required else ' (optional)'}: {parameter.text}"
                    for parameter in operation.query
                )
            if operation.body:
                yield f"Body: {_body(operation.body)}."
            yield md.table(("status", "body", "meaning"), _answers(operation))


def _answers(operation: Operation) -> Iterator[tuple[str, ...]]:
    for status, answer in answers(operation).items():
        yield str(status), _body(answer.body), answer.text


def _body(body: type[BaseModel] | str | None) -> str:
    if body is None:
        return ""
    if isinstance(body, str):
        return md.code(body)
    return f"[`{body.__name__}`](#{body.__name__.lower()})"


def _schema(name: str, schema: object) -> Iterator[str]:
    yield f"### `{name}`"
    yield md.json_block(schema)
