"""A limit of the time that reading a file's tags may take."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from segue.audio.allowance import Allowance
from segue.audio.errors import Undecodable


class _OutOfTimeError(BaseException):
    """A BaseException, since the readers of damaged tags catch every Exception; its text has the reason."""


@contextmanager
def at_most(seconds: float) -> Iterator[None]:
    """Interrupt work that exceeds the limit. Works in a main thread only, since it uses signals.

    Raises
    ------
    Undecodable
        With "too-slow".
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    allowance = Allowance(seconds, used=time.process_time)

    def check(*_: object) -> None:
        if why := allowance.exceeded():
            raise _OutOfTimeError(why)

    before = signal.signal(signal.SIGALRM, check)
    signal.setitimer(signal.ITIMER_REAL, allowance.interval, allowance.interval)
    try:
        yield
    except _OutOfTimeError as error:
        raise Undecodable("too-slow", f"reading its tags: {error}") from None
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
