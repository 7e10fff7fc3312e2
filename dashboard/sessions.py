"""The pages of visitors who have left: their sessions end when their time is up.

Streamlit keeps the session of a closed page for a while, in case its browser connects again. It ends sessions
whose time is up only when another page is closed. Each has an event loop with three open files, so that the
last visitors of the day would hold some hundred files until the next morning.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator

from streamlit.runtime import Runtime
from streamlit.runtime.memory_session_storage import MemorySessionStorage

log = logging.getLogger(__name__)
_EVERY_SECONDS = 5.0


def end_expired(storage: MemorySessionStorage) -> int:
    """End the sessions whose time is up; returns their number."""
    expired = storage._cache.expire()  # type: ignore[attr-defined]
    for _, info in expired:
        info.session.shutdown()
    return len(expired)


@contextlib.asynccontextmanager
async def ending_sessions(_app: object) -> AsyncIterator[None]:
    """The lifespan of the application: sessions end in time while it runs."""
    task = asyncio.create_task(_end_regularly())
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def _end_regularly() -> None:
    while True:
        await asyncio.sleep(_EVERY_SECONDS)
        storage = Runtime.instance()._session_mgr._session_storage  # type: ignore[attr-defined]
        if isinstance(storage, MemorySessionStorage):
            end_expired(storage)
