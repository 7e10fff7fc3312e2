"""Work that the job repeats besides running its queries, in separate threads."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

from segue.errors import line_of

log = logging.getLogger(__name__)


class Regularly:
    """Calls `work` at an interval until :meth:`close`, whatever a call raises.

    With `last`, :meth:`close` calls it once more; without, whatever ends it may interrupt a call.
    """

    def __init__(self, work: Callable[[], object], *, name: str, seconds: float, last: bool = True) -> None:
        self._work, self._name, self._seconds, self._last = work, name, seconds, last
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def close(self) -> None:
        """End, after a last call if there is to be one."""
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stop.wait(self._seconds):
            self._once()
        if self._last:
            self._once()

    def _once(self) -> None:
        try:
            self._work()
        # A full disk, a damaged file or a defect must not end work that nobody would miss for days.
        except Exception as error:
            if self._stop.is_set() and not self._last:
                return  # it was interrupted
            line = line_of(error)
            log.warning("%s: %s", self._name, line or repr(error), exc_info=line is None)
