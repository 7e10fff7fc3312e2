"""The cost of a computation by its memory, which unlike time is the same on every machine."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def memory() -> Iterator[Callable[[], int]]:
    """Give a function that says, after the block, how many bytes were held at most during it."""
    peaks: list[int] = []
    tracemalloc.start()
    try:
        yield lambda: peaks[0]
        peaks.append(tracemalloc.get_traced_memory()[1])
    finally:
        tracemalloc.stop()
