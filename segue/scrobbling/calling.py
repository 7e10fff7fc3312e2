"""Calls a service. Nothing in an answer is believed: its size and the time that it takes are bounded."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import httpx

from segue import __version__

LARGEST_ANSWER = 1 << 20
"""Bytes."""
LONGEST_SECONDS = 60.0
"""For a whole answer; the client bounds the time of each part."""
_TIMEOUT_SECONDS = 20.0
_SPACES = b"\xef\xbb\xbf \t\r\n"
"""Before the text of a page."""
_LONGEST_TEXT = 1000


class Unanswered(Exception):
    """The service does not answer, or not as it should."""


@dataclass(frozen=True, kw_only=True)
class Answer:
    """An answer of a service."""

    status: int
    headers: httpx.Headers
    content: Mapping[str, Any] | None
    """The object of JSON; None if it is none, such as the page of a proxy."""
    is_page: bool = False
    """Whether it is a page, such as one of a proxy about maintenance."""


def client() -> httpx.Client:
    """A client with which services are called. It follows no redirection."""
    headers = {"User-Agent": f"Segue/{__version__}", "Accept-Encoding": "identity"}
    return httpx.Client(timeout=_TIMEOUT_SECONDS, headers=headers)


def call(
    http: httpx.Client,
    method: str,
    address: str,
    *,
    clock: Callable[[], float] = time.monotonic,
    **given: Any,
) -> Answer:
    """Send a request; `given` goes to the client of HTTP.

    Raises
    ------
    Unanswered
        See the class.
    """
    ends, parts, size = clock() + LONGEST_SECONDS, [], 0
    try:
        with http.stream(method, address, **given) as response:
            # As they come: a compressed answer, which was not asked for, may be a thousand times as large.
            for part in response.iter_raw():
                parts.append(part)
                size += len(part)
                if size > LARGEST_ANSWER or clock() > ends:
                    raise Unanswered
    # A header may be one that cannot be read; whoever calls tries again later.
    except (httpx.HTTPError, httpx.InvalidURL, OSError, ValueError):
        raise Unanswered from None
    text = b"".join(parts)
    try:
        content = json.loads(text)
    except (ValueError, RecursionError):
        content = None
    content = content if isinstance(content, dict) else None
    named_page = response.headers.get("content-type", "").lower().startswith("text/html")
    is_page = content is None and (named_page or text.lstrip(_SPACES).startswith(b"<"))
    return Answer(status=response.status_code, headers=response.headers, content=content, is_page=is_page)


def text_of(value: object) -> str:
    """A text of an answer without signs that cannot be stored or sent; empty for anything else."""
    if not isinstance(value, str):
        return ""
    return "".join(sign if sign.isprintable() else " " for sign in value[:_LONGEST_TEXT]).strip()
