"""Time limits for work on one file, in processor time: a busy machine rejects no good file."""

from __future__ import annotations

import time
from collections.abc import Callable

PATIENCE = 10
"""The wall-clock limit, as a multiple of the allowed processor time."""


class Allowance:
    """The limits of work on one file, counted from now: processor time, idle time and wall-clock time."""

    def __init__(self, seconds: float, *, used: Callable[[], float]) -> None:
        """`used` gives the processor time of the working processes in seconds; only its increase counts."""
        self.seconds, self._used = seconds, used
        self.interval = min(1.0, seconds / 4)
        """Seconds between two checks."""
        self._first = self._last = used()
        self._began = self._moved = time.monotonic()

    def exceeded(self) -> str | None:
        """The limit that the work exceeds; None while it may continue.

        Work gets `seconds` of processor time. It may be idle as long: it waits for a disk, or hangs. Work
        that makes progress may take ten times as long by the clock.
        """
        now, used = time.monotonic(), self._used()
        if used - self._first >= self.seconds:
            return f"it took longer than {self.seconds:g} s of processor time"
        if used != self._last:
            self._last, self._moved = used, now
        if now - self._moved >= self.seconds:
            return f"it stood still for {self.seconds:g} s"
        if now - self._began >= PATIENCE * self.seconds:
            return f"it took longer than {PATIENCE * self.seconds:g} s"
        return None
