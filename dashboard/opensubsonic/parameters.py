"""The parameters of a call, from the address and from a form in the body."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from urllib.parse import parse_qsl

from starlette.exceptions import HTTPException
from starlette.requests import Request

from segue.dashboard.api.requests import LARGEST_NUMBER, body, read_apart
from segue.dashboard.opensubsonic.failure import invalid, missing

LARGEST_FORM = 512 * 1024
"""Bytes; the longest playlist, of 10,000 songs, takes 250 KB."""
MOST_FIELDS = 12_000
_FORM = "application/x-www-form-urlencoded"
_TRUE, _FALSE = ("true", "1", "yes", "on"), ("false", "0", "no", "off", "")
_NUMBER = re.compile(r"([-+]?[0-9]{1,19})(?:\.[0-9]{0,20})?")


class Parameters:
    """All values by name, those of the address first. Texts have no halves of characters and no NUL."""

    def __init__(self, pairs: Sequence[tuple[str, str]]) -> None:
        self._values: dict[str, list[str]] = {}
        for name, value in pairs:
            self._values.setdefault(name, []).append(value.replace("\0", "\ufffd"))

    @classmethod
    def of_address(cls, request: Request) -> Parameters:
        """The parameters in the address of a request.

        Raises
        ------
        HTTPException
            413: there are more than :data:`MOST_FIELDS`.
        """
        return cls(_parsed(request.url.query))

    async def with_form(self, request: Request) -> Parameters:
        """These parameters, then those of the form in the body.

        Raises
        ------
        HTTPException
            413: the form is too long, or there are more than :data:`MOST_FIELDS`. 408: it comes too slowly.
            400: the client disconnected.
        """
        if not has_form(request):
            return self
        pairs = await read_apart(fields_of, await body(request, limit=LARGEST_FORM))
        own = [(name, value) for name, values in self._values.items() for value in values]
        return Parameters([*own, *pairs])

    @property
    def have_credentials(self) -> bool:
        """Whether these parameters alone name the caller, and prove it."""
        given = {name for name in ("apiKey", "u", "p", "t", "s") if name in self._values}
        return any(given >= needed for needed in ({"apiKey"}, {"u", "p"}, {"u", "t", "s"}))

    def text(self, name: str) -> str:
        """A required text.

        Raises
        ------
        ProtocolError
            It is missing.
        """
        value = self.optional(name)
        if value is None:
            raise missing(name)
        return value

    def optional(self, name: str) -> str | None:
        """A text; None if it is missing. The last value of several counts."""
        values = self._values.get(name)
        return values[-1] if values else None

    def given(self, name: str) -> str | None:
        """A text that is not blank; None otherwise: some apps send every field, with nothing in some."""
        text = self.optional(name)
        return text if text is not None and text.strip() else None

    def texts(self, name: str) -> list[str]:
        """All values of a name, in their order."""
        return list(self._values.get(name, ()))

    def filled(self, name: str) -> list[str]:
        """All values of a name that are not blank, in their order."""
        return [text for text in self.texts(name) if text.strip()]

    def whole(self, name: str, default: int, *, least: int = 0, most: int = LARGEST_NUMBER) -> int:
        """A whole number, limited to the range.

        Raises
        ------
        ProtocolError
            It is not a number.
        """
        text = self.optional(name)
        return default if text is None or not text.strip() else max(least, min(number(name, text), most))

    def wholes(self, name: str) -> list[int]:
        """All whole numbers of a name, in their order.

        Raises
        ------
        ProtocolError
            One is not a number.
        """
        return [number(name, text) for text in self.filled(name)]

    def optional_whole(self, name: str) -> int | None:
        """A whole number; None if it is missing.

        Raises
        ------
        ProtocolError
            It is not a number.
        """
        text = self.optional(name)
        return None if text is None or not text.strip() else number(name, text)

    def fraction(self, name: str, default: float, *, least: float, most: float) -> float:
        """A number, limited to the range.

        Raises
        ------
        ProtocolError
            It is not a number.
        """
        text = self.optional(name)
        if text is None or not text.strip():
            return default
        try:
            value = float(text)
        except ValueError:
            value = math.nan
        if not math.isfinite(value):
            raise invalid(name, "it must be a number")
        return max(least, min(value, most))

    def flag(self, name: str, default: bool) -> bool:
        """A boolean.

        Raises
        ------
        ProtocolError
            It is none.
        """
        text = self.optional(name)
        if text is None:
            return default
        if text.strip().lower() in _TRUE:
            return True
        if text.strip().lower() in _FALSE:
            return False
        raise invalid(name, "it must be true or false")


def has_form(request: Request) -> bool:
    """Whether the body of a request is a form."""
    content_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    return request.method == "POST" and content_type == _FORM


def number(name: str, text: str) -> int:
    """A whole number of a parameter. Of a fraction, which some players send, the whole part counts.

    Raises
    ------
    ProtocolError
        It is not a number, or too large to be stored.
    """
    found = _NUMBER.fullmatch(text.strip())
    if found is None:
        raise invalid(name, "it must be a whole number")
    value = int(found[1])
    if abs(value) > LARGEST_NUMBER:
        raise invalid(name, "it is too large")
    return value


def fields_of(form: bytes) -> list[tuple[str, str]]:
    """The fields of a form, in their order.

    Raises
    ------
    HTTPException
        413: there are more than :data:`MOST_FIELDS`.
    """
    return _parsed(form.decode("utf-8", "replace"))


def _parsed(query: str) -> list[tuple[str, str]]:
    # The library's own limit counts before it reads, but its error does not say why.
    if query.count("&") >= MOST_FIELDS:
        raise HTTPException(413, f"more than {MOST_FIELDS} parameters")
    return parse_qsl(query, keep_blank_values=True, errors="replace")
