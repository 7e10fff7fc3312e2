"""The error of a call."""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

_PASSING = (502, 503, 504)
"""Statuses of a proxy whose service is away, and of a busy service: they may lack `Retry-After`."""
_PAUSE = 1.0
_MOST_DIGITS = 10
"""A longer number of seconds is a mistake."""


class ApiError(Exception):
    """The service refused a call, or could not answer it.

    Attributes
    ----------
    status
        The status of HTTP; 0 if there was no answer.
    title, detail
        The kind of error and its cause, as the service gives them (RFC 9457).
    retry_after
        Seconds after which to try again; None if trying again does not help.
    """

    def __init__(self, status: int, title: str, detail: str, *, retry_after: float | None = None) -> None:
        super().__init__(f"{status} {title}: {detail}" if status else detail)
        self.status, self.title, self.detail, self.retry_after = status, title, detail, retry_after

    @classmethod
    def of(cls, status: int, content: Any, retry_after: str | None) -> ApiError:
        """The error of an answer; `content` is its JSON, or None."""
        known = content if isinstance(content, dict) else {}
        title, detail = str(known.get("title", "")), str(known.get("detail", "no further information"))
        seconds = _seconds(retry_after)
        if seconds is None and status in _PASSING:
            seconds = _PAUSE
        return cls(status, title, detail, retry_after=seconds)


def _seconds(text: str | None) -> float | None:
    """The seconds of the header `Retry-After`, a number or a date of HTTP; None without a valid one."""
    if not text:
        return None
    if text.isascii() and text.isdigit() and len(text) < _MOST_DIGITS:
        return float(text)
    try:
        date = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None
    if date.tzinfo is None:  # "-0000"
        date = date.replace(tzinfo=UTC)
    return max(0.0, (date - datetime.now(UTC)).total_seconds())
