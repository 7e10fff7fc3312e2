"""The header `Range` of a request for a file."""

from __future__ import annotations

import re

from starlette.requests import Request

_RANGE = re.compile(r"([0-9]{0,19})-([0-9]{0,19})")


def without_invalid_range(request: Request) -> None:
    """Remove a range that is none of bytes from a request.

    A server ignores it (RFC 9110, 14.2) and sends the whole file; Starlette would refuse the request.
    """
    if not all(_is_valid(text) for text in request.headers.getlist("range")):
        headers = request.scope["headers"]
        headers[:] = [(name, value) for name, value in headers if name != b"range"]


def _is_valid(text: str) -> bool:
    unit, _, ranges = text.partition("=")
    parts = [part.strip() for part in ranges.split(",") if part.strip()]
    return unit.strip().lower() == "bytes" and bool(parts) and all(map(_is_range, parts))


def _is_range(part: str) -> bool:
    found = _RANGE.fullmatch(part)
    if found is None or part == "-":
        return False
    first, last = found.groups()
    return not first or not last or int(first) <= int(last)
