"""Waiting for other processes. The limit protects from a hang and says nothing of how long anything takes."""

from __future__ import annotations

import time
from collections.abc import Callable

PATIENCE = 600.0
"""Seconds; far more than anything takes on a busy machine."""


def until(true: Callable[[], object], description: str, *, seconds: float = PATIENCE) -> None:
    """Wait until something is true.

    Raises
    ------
    AssertionError
        It was not in time.
    """
    first = began = time.monotonic()
    while not true():
        now = time.monotonic()
        assert now < first + seconds, f"waited {seconds:.0f} s for {description}"
        # Looks that cost much would slow down the work that is waited for: the pause grows with the cost of a
        # look and with the time waited, to which it adds a twentieth at most.
        time.sleep(min(2.0, max(0.02, 4 * (now - began), (now - first) / 20)))
        began = time.monotonic()
