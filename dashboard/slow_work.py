"""Work that can take seconds, by kinds: a few threads each, so that the threads of the pages stay free.

Beyond them a request is refused at once, with status 503 and `Retry-After`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import anyio.to_thread
from starlette.exceptions import HTTPException

RETRY_SECONDS = 5
Result = TypeVar("Result")


class SlowWork:
    """A kind of work, of which a process does a few at a time. For use in the process's event loop."""

    def __init__(self, most: int) -> None:
        self._most, self._running = most, 0
        self._threads = anyio.CapacityLimiter(most)

    async def do(self, work: Callable[[], Result]) -> Result:
        """The result of the work, in a thread of its kind.

        Raises
        ------
        HTTPException
            503: as many as may be are at work.
        """
        if self._running >= self._most:
            raise HTTPException(
                503,
                "many people are asking for this: try again in a moment",
                headers={"Retry-After": str(RETRY_SECONDS)},
            )
        self._running += 1
        try:
            return await anyio.to_thread.run_sync(work, limiter=self._threads)
        finally:
            self._running -= 1
