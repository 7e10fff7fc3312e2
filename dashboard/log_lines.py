"""Lines of the log that any visitor can cause: they do not fill the disk.

Lines that say nothing are left out. Of the others, a few of a kind are written in a minute, without long
texts of the visitor's.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import Counter
from collections.abc import Callable

A_MINUTE = 10
"""Lines of a kind."""
LONGEST = 500
"""Characters of a line."""
_MINUTE = 60.0
_LEFT_OUT = frozenset(
    {
        # For each WebSocket that is answered with a status, such as the 503 of a full server.
        "ASGI callable returned without completing handshake.",
        # With a traceback, for each text that is none.
        "Invalid UTF-8 sequence received from client.",
    }
)
"""uvicorn's errors about refused or broken WebSockets."""
_STREAMLIT = "streamlit.web.server.starlette"
_OF_VISITORS = (
    "uvicorn.error",
    f"{_STREAMLIT}.starlette_auth_routes",
    f"{_STREAMLIT}.starlette_routes",
    f"{_STREAMLIT}.starlette_websocket",
    "segue.dashboard.api.requests",
)
"""The loggers of code that writes about requests."""


def spare_the_log() -> None:
    """Keep visitors from filling the log."""
    logging.getLogger("uvicorn.error").addFilter(_says_something)
    for name in _OF_VISITORS:
        logging.getLogger(name).addFilter(Few())


def _says_something(record: logging.LogRecord) -> bool:
    return record.msg not in _LEFT_OUT


class Few(logging.Filter):
    """Lets a few lines of each kind pass in a minute. A kind is a message without its values."""

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._clock, self._lock = clock, threading.Lock()
        self._since, self._lines = float("-inf"), Counter[str]()

    def filter(self, record: logging.LogRecord) -> bool:
        with self._lock:
            if (now := self._clock()) - self._since >= _MINUTE:
                self._since, self._lines = now, Counter()
            self._lines[str(record.msg)] += 1
            number = self._lines[str(record.msg)]
        if number > A_MINUTE:
            return False
        text = whole = record.getMessage()
        if len(text) > LONGEST:
            text = f"{text[:LONGEST]}…"
        if number == A_MINUTE:
            text += " (further such lines of this minute are left out)"
        if text != whole:
            record.msg, record.args = text, ()
        return True
