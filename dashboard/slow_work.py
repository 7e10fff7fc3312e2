"""Work that can take seconds, by kinds: a few threads each, so that the threads of the pages stay free.

Beyond them a request is refused at once, with status 503 and `Retry-After`; beyond those of one visitor, with
status 429.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

import anyio.to_thread
from starlette.exceptions import HTTPException

from segue.dashboard.retry_after import retry_after

Result = TypeVar("Result")
_YOURS = "you are asking for this several times at once: wait for the first answer"
_ALL = "many people are asking for this: try again in a moment"


class Full(HTTPException):
    """There is no place for a request."""

    def __init__(self, status: int, words: str) -> None:
        super().__init__(status, words, headers=retry_after())


class Places:
    """Places for a few threads at a time, one for each visitor. Safe for use by several threads."""

    def __init__(self, most: int) -> None:
        self._places = threading.BoundedSemaphore(most)
        self._lock = threading.Lock()
        self._visitors: set[str] = set()

    @contextmanager
    def place(self, visitor: str, *, patience: float) -> Iterator[None]:
        """A place, for which a thread waits up to `patience` seconds.

        Raises
        ------
        Full
            503: the others have not ended in time. 429: this visitor has a place, or waits for one.
        """
        with self._lock:
            if visitor in self._visitors:
                raise Full(429, _YOURS)
            self._visitors.add(visitor)
        try:
            if not self._places.acquire(timeout=patience):
                raise Full(503, _ALL)
            try:
                yield
            finally:
                self._places.release()
        finally:
            with self._lock:
                self._visitors.discard(visitor)


class SlowWork:
    """A kind of work, of which a process does a few at a time. For use in the process's event loop."""

    def __init__(self, most: int, *, each: int | None = None, threads: int | None = None) -> None:
        """`each` is the most of one visitor (:meth:`place`); `threads` is how many run at a time."""
        self._most, self._each = most, most if each is None else each
        self._running: Counter[str] = Counter()
        """By visitor; all others together under the empty text."""
        self._threads = anyio.CapacityLimiter(threads or most)

    async def do(self, work: Callable[[], Result], *, visitor: str = "") -> Result:
        """The result of the work, in a thread of its kind.

        Raises
        ------
        Full
            As for :meth:`place`.
        """
        with self.place(visitor):
            return await self.run(work)

    @contextmanager
    def place(self, visitor: str = "") -> Iterator[None]:
        """A place among those at work, for :meth:`run` within it.

        Parameters
        ----------
        visitor
            The source of the request, such as an address. Without one, only the number of all counts.

        Raises
        ------
        Full
            503: as many as may be are at work. 429: as many of this visitor.
        """
        if visitor and self._running[visitor] >= self._each:
            raise Full(429, _YOURS)
        if self._running.total() >= self._most:
            raise Full(503, _ALL)
        self._running[visitor] += 1
        try:
            yield
        finally:
            self._running[visitor] -= 1
            if not self._running[visitor]:
                del self._running[visitor]

    async def run(self, work: Callable[[], Result]) -> Result:
        """The result of the work of a request that has a place, in a thread of its kind."""
        return await anyio.to_thread.run_sync(work, limiter=self._threads)
