"""Answers that end if they are not read: one that nobody reads would keep its place, and all its content."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterable, AsyncIterator, Callable, Mapping

from starlette.requests import ClientDisconnect
from starlette.responses import StreamingResponse
from starlette.types import Message, Receive, Scope, Send

log = logging.getLogger(__name__)
SEND_SECONDS = 60.0
"""An answer ends of which nothing is read for this long."""
_PIECE = 1 << 16


class ReadInTime(StreamingResponse):
    """An answer that calls a function when it has ended, however it does.

    It ends if nothing of it is read for :data:`SEND_SECONDS`.
    """

    def __init__(
        self,
        parts: AsyncIterable[str | bytes],
        *,
        ended: Callable[[], None],
        media_type: str,
        headers: Mapping[str, str],
    ) -> None:
        super().__init__(parts, media_type=media_type, headers=headers)
        self._ended = ended

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def in_time(message: Message) -> None:
            async with asyncio.timeout(SEND_SECONDS):
                await send(message)

        try:
            await super().__call__(scope, receive, in_time)
        except (TimeoutError, ClientDisconnect):
            log.info("an answer ended: it was not read")
        finally:
            self._ended()


async def pieces(content: bytes) -> AsyncIterator[bytes]:
    """A content in pieces, of which each is read in time."""
    for place in range(0, len(content), _PIECE):
        yield content[place : place + _PIECE]
