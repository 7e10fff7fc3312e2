"""Answers as JSON, JSONP or XML.

An endpoint returns the content in the shape of the protocol's JSON. The XML follows from it: numbers, texts
and booleans are attributes, objects and lists are elements, and `value` is the text of its element. In the
information about an artist or an album, texts are elements, too.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any
from xml.sax.saxutils import escape, quoteattr

from starlette.responses import Response

from segue import __version__
from segue.dashboard.failures import Failure
from segue.dashboard.opensubsonic.failure import Code, ProtocolError
from segue.dashboard.retry_after import RETRY_SECONDS

PROTOCOL = "1.16.1"
"""The version of Subsonic's protocol."""
_CALLBACK = re.compile(r"[A-Za-z_$][\w$.]{0,100}")
_NOT_IN_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_XMLNS = "http://subsonic.org/restapi"
_XML_TYPE = "text/xml"
"""Where the protocol has an answer instead of a file, apps know it by this type."""
_WITHOUT_ATTRIBUTES = frozenset({"albumInfo", "artistInfo", "artistInfo2"})
_JSON, _JSONP, _XML = "json", "jsonp", "xml"
FORMATS = (_JSON, _JSONP, _XML)


class Form:
    """The form in which an answer is sent."""

    def __init__(self, name: str | None, *, callback: str | None = None) -> None:
        """`name` is the parameter f; an unknown one means XML, the protocol's default."""
        self.name = name if name in FORMATS else _XML
        self._callback = callback if callback and _CALLBACK.fullmatch(callback) else "callback"

    def answer(self, content: Mapping[str, Any], *, status: int = 200) -> Response:
        """A response with the content of an endpoint."""
        return self._response({"status": "ok", **_FIELDS, **content}, status)

    def failure(self, error: ProtocolError) -> Response:
        """A response with an error."""
        content = {
            "status": "failed",
            **_FIELDS,
            "error": {"code": int(error.code), "message": error.message},
        }
        response = self._response(content, error.status)
        if error.retry_after is not None:
            response.headers["Retry-After"] = str(error.retry_after)
        return response

    def _response(self, content: Mapping[str, Any], status: int) -> Response:
        headers = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
        if self.name == _XML:
            return Response(_xml(content), status, headers, media_type=_XML_TYPE)
        text = json.dumps(
            {"subsonic-response": content}, default=_plain, ensure_ascii=False, separators=(",", ":")
        )
        if self.name == _JSONP:
            text = text.replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")
            return Response(
                f"{self._callback}({text});", status, headers, media_type="application/javascript"
            )
        return Response(text, status, headers, media_type="application/json")


_FIELDS: Mapping[str, Any] = {
    "version": PROTOCOL,
    "type": "segue",
    "serverVersion": __version__,
    "openSubsonic": True,
}


def unavailable(message: str, *, retry_after: int = RETRY_SECONDS) -> ProtocolError:
    """The server cannot answer now: status 503."""
    return ProtocolError(Code.GENERIC, message, status=503, retry_after=retry_after)


def protocol_error(failure: Failure) -> ProtocolError:
    """The protocol's error for a failure that all protocols know."""
    seconds = failure.headers.get("Retry-After")
    return ProtocolError(
        Code.GENERIC,
        failure.text,
        status=failure.status,
        retry_after=None if seconds is None else int(seconds),
    )


def iso(at: datetime) -> str:
    """A time as the protocol writes it: ISO 8601 in UTC, with milliseconds."""
    at = at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    return at.strftime("%Y-%m-%dT%H:%M:%S.") + f"{at.microsecond // 1000:03d}Z"


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return iso(value)
    raise TypeError(f"not JSON: {type(value).__name__}")


def _xml(content: Mapping[str, Any]) -> bytes:
    parts = ['<?xml version="1.0" encoding="UTF-8"?>\n']
    parts += _element("subsonic-response", {"xmlns": _XMLNS, **content})
    return "".join(parts).encode("utf-8", "replace")


def _element(name: str, value: Any) -> Iterator[str]:
    if not isinstance(value, Mapping):
        yield f"<{name}>{escape(_text(value))}</{name}>"
        return
    plain = {key: one for key, one in value.items() if not isinstance(one, (Mapping, list))}
    children = [(key, one) for key, one in value.items() if key not in plain]
    if name in _WITHOUT_ATTRIBUTES:
        plain, children = {}, [*plain.items(), *children]
    attributes = "".join(f" {key}={quoteattr(_text(one))}" for key, one in plain.items() if key != "value")
    text = escape(_text(value["value"])) if "value" in value else ""
    if not children and not text:
        yield f"<{name}{attributes}/>"
        return
    yield f"<{name}{attributes}>{text}"
    for key, one in children:
        for member in one if isinstance(one, list) else (one,):
            yield from _element(key, member)
    yield f"</{name}>"


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        return iso(value)
    return _NOT_IN_XML.sub("\ufffd", str(value))
