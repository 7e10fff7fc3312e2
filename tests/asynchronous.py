"""Running coroutines in tests."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

Result = TypeVar("Result")


def run(function: Callable[..., Coroutine[Any, Any, Result]], *args: Any, **named: Any) -> Result:
    """Call a coroutine function and wait for its result, in a thread with an event loop of its own.

    The thread of the tests may have a running loop: that of Playwright stays until the end of the session.
    """
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(lambda: asyncio.run(function(*args, **named))).result()
