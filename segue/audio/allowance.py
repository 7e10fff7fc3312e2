"""How long work on one file may take: in processor time, so that a busy machine rejects no good file."""

from __future__ import annotations

import time
from collections.abc import Callable

PATIENCE = 10
"""The wall-clock limit, as a multiple of the allowed processor time."""


class Allowance:
    """The limits of work on one file, from now on: processor time, standstill and wall-clock time."""

    def __init__(self, seconds: float, *, used: Callable[[], float]) -> None:
        """`used` gives the processor time of the working processes in seconds; only its increase counts."""
        self.seconds, self._used = seconds, used
        self.interval = min(1.0, seconds / 4)
        """Seconds after which to ask again."""
        self._first = self._last = used()
        self._began = self._moved = time.monotonic()

    def exceeded(self) -> str | None:
        """Why the work is to be given up; None while it may go on.

        Work gets `seconds` of processor time. It may stand still as long: it waits for a disk, or hangs. Work
        that proceeds may take ten times as long by the clock.
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
