"""Whether MongoDB answers, for a server that must not let its visitors wait for it."""

from __future__ import annotations

import logging
import threading
import time

from segue.storage.mongo import PyMongoError, is_away
from segue.storage.store import Store

log = logging.getLogger(__name__)
_PAUSE_SECONDS = 1.0


class Availability:
    """Remembers that MongoDB is away from the first failed operation until it answers again.

    A thread then asks every second. The log has one line for the beginning of an outage and one for its end,
    and none if MongoDB answers at once, as it does when a connection broke. The methods may be called from
    several threads.
    """

    def __init__(self, store: Store) -> None:
        self._database = store.database
        self._lock = threading.Lock()
        self._since: float | None = None
        self.outages = 0
        """The number of outages so far."""

    @property
    def is_away(self) -> bool:
        """Whether operations would fail now; takes no time."""
        return self._since is not None

    def seconds_away(self) -> float:
        """The length of the present outage; 0 if there is none."""
        since = self._since
        return 0.0 if since is None else time.monotonic() - since

    def failed(self, error: BaseException) -> bool:
        """Take note of the error of an operation; returns whether it shows that MongoDB is away."""
        if not is_away(error):
            return False
        with self._lock:
            if self._since is not None:
                return True
            self._since = time.monotonic()
        threading.Thread(target=self._wait, args=(error,), name="mongo-away", daemon=True).start()
        return True

    def _wait(self, error: BaseException) -> None:
        confirmed = False
        while not self._answers():
            if not confirmed:
                confirmed = True
                self.outages += 1
                log.warning(
                    "MongoDB does not answer: requests get status 503 until it does (%s)", _short(error)
                )
            time.sleep(_PAUSE_SECONDS)
        seconds = self.seconds_away()
        self._since = None
        if confirmed:
            log.warning("MongoDB answers again after %.0f s", seconds)

    def _answers(self) -> bool:
        try:
            self._database.client.admin.command("ping")
        except PyMongoError:
            return False
        return True


def _short(error: BaseException) -> str:
    """The type and the first words of an error; pymongo adds the state of all servers."""
    return f"{type(error).__name__}: {str(error).split(',')[0][:120]}"
