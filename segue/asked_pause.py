"""The pause that the header `Retry-After` of another service's answer asks for."""

from __future__ import annotations

import email.utils
from datetime import UTC, datetime

LONGEST = 10 * 365 * 86_400.0
"""Seconds. A longer pause is none: it is a mistake, and it would be too large for dates."""


def asked_pause(text: str | None, *, now: datetime | None = None) -> float | None:
    """The seconds from `now` on: a number, or a date; None for anything else."""
    text = (text or "").strip()
    if text.isascii() and text.isdigit() and len(text) < 10:
        seconds = float(text)
    else:
        try:
            at = email.utils.parsedate_to_datetime(text)
            seconds = max(0.0, (at - (now or datetime.now(UTC))).total_seconds())
        except (ValueError, TypeError, OverflowError):
            return None
    return seconds if seconds <= LONGEST else None
