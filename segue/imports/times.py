"""Times in exports of other services: numbers in several units, and texts in several forms, all UTC."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from segue.imports.play import number_of, text_of

_FORMS = (
    "%d %b %Y %H:%M",
    "%d %b %Y %H:%M:%S",
    "%d %B %Y %H:%M",
    "%b %d %Y %H:%M",
    "%Y/%m/%d %H:%M",
    "%Y/%m/%d %H:%M:%S",
    "%d.%m.%Y %H:%M",
    "%d.%m.%Y %H:%M:%S",
)
"""Forms beside ISO 8601, without commas. Months are English, as in Last.fm's pages."""
_NUMBER = re.compile(r"\d{1,20}(?:\.\d{0,9})?")


def epoch_seconds(value: object) -> int | None:
    """Epoch seconds of a time: a number of seconds, ms or µs, its text, ISO 8601, or a form of Last.fm.

    The size of a number tells its unit. None for a missing time (0 as well), and for one that cannot be read.
    """
    if isinstance(value, str):
        text = text_of(value).strip()
        if _NUMBER.fullmatch(text):
            return _from_number(float(text))
        return _from_text(text)
    number = number_of(value)
    return None if number is None else _from_number(number)


def _from_number(number: float) -> int | None:
    for most, parts in ((1e11, 1), (1e14, 1000), (1e17, 1_000_000)):
        if number < most:
            return int(number / parts) or None
    return None


def _from_text(text: str) -> int | None:
    if not text or len(text) > 60:
        return None
    try:
        return _epoch(datetime.fromisoformat(text.removesuffix(" UTC").strip()))
    except ValueError:
        plain = " ".join(text.replace(",", " ").split())
    for form in _FORMS:
        try:
            return _epoch(datetime.strptime(plain, form))
        except ValueError:
            continue
    return None


def _epoch(time: datetime) -> int | None:
    try:
        return int((time if time.tzinfo else time.replace(tzinfo=UTC)).timestamp())
    except (OverflowError, ValueError):
        return None
