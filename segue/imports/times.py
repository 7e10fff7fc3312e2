"""Times in exports of other services: numbers in several units, and texts in several forms, all UTC."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, datetime

from segue.imports.play import number_of, text_of

_DAYS = ("%d %b %Y", "%b %d %Y", "%d.%m.%Y", "%Y/%m/%d", "%d %B %Y", "%B %d %Y", "%Y-%m-%d")
"""Forms of the day, without commas. Months are English, as in Last.fm's pages."""
_NUMBER = re.compile(r"\d{1,20}(?:\.\d{0,9})?")
_WEEKDAY = re.compile(r"^(?:mon|tue|wed|thu|fri|sat|sun)[a-z]*\s+", re.IGNORECASE)
_ZONE = re.compile(r"\s*(?:GMT|UTC|Z)?\s*(?P<offset>[+-]\d\d:?\d\d)?(?:\s*\([^)]*\))?$", re.IGNORECASE)
_HALF = re.compile(r"\s*([ap])\.?m\.?$", re.IGNORECASE)
_WITH_SLASHES = re.compile(r"(\d{1,2})[/-](\d{1,2})[/-](\d{4})\b")


def epoch_seconds(value: object) -> int | None:
    """Epoch seconds of a time: a number of seconds, ms or µs, its text, ISO 8601, or a form of Last.fm.

    The size of a number tells its unit. None for a missing time (0 as well), and for one that cannot be read.
    05/04/2023 cannot be read: in some countries the day comes first, in others the month
    (:func:`day_comes_first`).
    """
    if isinstance(value, str):
        text = text_of(value).strip()
        if _NUMBER.fullmatch(text):
            return _from_number(float(text))
        return _from_text(text)
    number = number_of(value)
    return None if number is None else _from_number(number)


def _from_number(number: float) -> int | None:
    for most, parts in ((1e11, 1), (1e14, 1000), (1e17, 1_000_000), (1e20, 1_000_000_000)):
        if number < most:
            return int(number / parts) or None
    return None


def _from_text(text: str) -> int | None:
    if not text or len(text) > 60:
        return None
    try:
        return _epoch(datetime.fromisoformat(text.removesuffix(" UTC").strip()))
    except ValueError:
        plain = _WEEKDAY.sub("", " ".join(text.replace(",", " ").split()))
    zone = _ZONE.search(plain)
    assert zone is not None, "its parts may all be empty"
    offset = zone["offset"] or "+0000"
    clock = _HALF.sub(r" \1m", plain[: zone.start()])
    hours = ("%I:%M{} %p" if clock.endswith("m") else "%H:%M{}").format(":%S" if clock.count(":") > 1 else "")
    for day in _DAYS:
        try:
            return _epoch(datetime.strptime(f"{clock} {offset}", f"{day} {hours} %z"))
        except ValueError:
            continue
    return None


def day_comes_first(times: Iterable[str]) -> bool | None:
    """Whether dates such as 25/04/2023 begin with the day; None if they do not tell, or differ."""
    first: set[bool] = set()
    for text in times:
        if date := _WITH_SLASHES.match(text.strip()):
            numbers = int(date[1]), int(date[2])
            if max(numbers) > 12:
                first.add(numbers[0] > 12)
    return first.pop() if len(first) == 1 else None


def with_year_first(text: str, *, day_first: bool | None) -> str:
    """A time whose date is written as 25/04/2023 or 04/25/2023 in the order of ISO 8601; others unchanged."""
    date = _WITH_SLASHES.match(text.strip())
    if date is None or day_first is None:
        return text
    day, month = (date[1], date[2]) if day_first else (date[2], date[1])
    return f"{date[3]}-{month:0>2}-{day:0>2}{text.strip()[date.end() :]}"


def _epoch(time: datetime) -> int | None:
    try:
        return int((time if time.tzinfo else time.replace(tzinfo=UTC)).timestamp())
    except (OverflowError, ValueError):
        return None
