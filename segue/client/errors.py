"""The error of a call."""

from __future__ import annotations

from typing import Any


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
        return cls(status, title, detail, retry_after=_seconds(retry_after))


def _seconds(text: str | None) -> float | None:
    """The seconds of the header `Retry-After`; services may also send a date, which counts as none."""
    return float(text) if text and text.isascii() and text.isdigit() else None
