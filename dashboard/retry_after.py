"""The header `Retry-After`, by which an answer says when to try again."""

from __future__ import annotations

RETRY_SECONDS = 5
"""The time where nobody knows how long it takes: a server is away, or others are at work."""


def retry_after(seconds: float = RETRY_SECONDS) -> dict[str, str]:
    """The header."""
    return {"Retry-After": str(round(seconds))}
