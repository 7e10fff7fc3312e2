"""How long the body of a request may take: one that never ends would keep its place."""

from __future__ import annotations

GRACE_SECONDS, LEAST_BYTES_A_SECOND = 30.0, 8 * 1024


def patience(size: int) -> float:
    """The seconds that so many bytes of a body may take."""
    return GRACE_SECONDS + size / LEAST_BYTES_A_SECOND
