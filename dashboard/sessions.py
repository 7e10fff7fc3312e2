"""The pages of visitors who have left: their sessions end when their time is up.

Streamlit keeps the session of a closed page for a while, in case its browser connects again. It ends sessions
whose time is up only when another page is closed. Each has an event loop with three open files, so that the
last visitors of the day would hold some hundred files until the next morning.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from datetime import timedelta

from streamlit.runtime import Runtime
from streamlit.runtime.memory_session_storage import MemorySessionStorage

from segue.privacy.guests import remove_former_guests
from segue.storage.mongo import PyMongoError
from segue.storage.store import Store

log = logging.getLogger(__name__)
_EVERY_SECONDS = 5.0
_GUESTS_AFTER_SECONDS, _GUESTS_EVERY_SECONDS = 3_600.0, 86_400.0
"""How long after the start, and how often, the data of former guests is removed."""


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


def while_it_runs(
    store: Store, *, plays_kept: timedelta
) -> Callable[[object], AbstractAsyncContextManager[None]]:
    """The lifespan of the application: sessions end in time, and the data of former guests are removed.

    Parameters
    ----------
    plays_kept
        As in :func:`segue.privacy.guests.remove_former_guests`.
    """

    @contextlib.asynccontextmanager
    async def lifespan(app: object) -> AsyncIterator[None]:
        task = asyncio.create_task(_remove_regularly(store, plays_kept))
        try:
            async with ending_sessions(app):
                yield
        finally:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task

    return lifespan


async def _remove_regularly(store: Store, plays_kept: timedelta) -> None:
    await asyncio.sleep(_GUESTS_AFTER_SECONDS)
    while True:
        try:
            removed = await asyncio.to_thread(remove_former_guests, store, plays_kept=plays_kept)
        except PyMongoError as error:
            log.warning("the data of former guests is removed later: %s", error)
        else:
            if removed:
                log.info("removed the data of %d former guests", removed)
        await asyncio.sleep(_GUESTS_EVERY_SECONDS)


async def _end_regularly() -> None:
    while True:
        await asyncio.sleep(_EVERY_SECONDS)
        storage = Runtime.instance()._session_mgr._session_storage  # type: ignore[attr-defined]
        if isinstance(storage, MemorySessionStorage):
            end_expired(storage)
