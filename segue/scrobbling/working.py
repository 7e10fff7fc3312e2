"""The threads that read plays, report current songs, and send scrobbles, while the dashboard or the API runs.

They rest while no listener has a connection. Several processes share the work: Kafka gives each partition to
one of them, and a connection is sent for by one at a time.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from segue.errors import line_of
from segue.local.stack import connected
from segue.people.secret_box import OF_OTHER_SERVICES, SecretBox
from segue.scrobbling.calling import client
from segue.scrobbling.connections import ScrobbleConnections
from segue.scrobbling.outbox import Scrobbles
from segue.scrobbling.playing_now import PlayingNow
from segue.scrobbling.reading import Reading, group_of
from segue.scrobbling.sending import Figures, Sending
from segue.settings import Settings
from segue.storage.kafka_group import GroupReader
from segue.storage.store import Store

log = logging.getLogger(__name__)
_LOOK_SECONDS = 5.0
_POLL_SECONDS = 1.0
_RETRY_SECONDS = 10.0
_PATIENCE_SECONDS = 3.0


def box_of(settings: Settings) -> SecretBox:
    """Encrypts the tokens of services."""
    return SecretBox(Path(settings.opensubsonic.key_file), kind=OF_OTHER_SERVICES)


class Work:
    """Reads and sends until it is closed."""

    def __init__(
        self,
        store: Store,
        settings: Settings,
        *,
        figures: Figures | None = None,
        is_outage: Callable[[BaseException], bool] = lambda error: False,
        look: float = _LOOK_SECONDS,
    ) -> None:
        """
        Parameters
        ----------
        is_outage
            Whether an error is of an outage that is reported elsewhere.
        look
            How often it looks for connections and for waiting plays, in seconds.
        """
        self._store, self._settings, self._figures, self._look = store, settings, figures, look
        self._is_outage = is_outage
        self._connections, self._scrobbles = ScrobbleConnections(store), Scrobbles(store)
        self._closed, self._http = threading.Event(), client()
        self._playing = PlayingNow(settings, box=box_of(settings), http=self._http, figures=figures)
        works = (("read", self._read), ("now", self._tell), ("send", self._send))
        self._threads = [
            threading.Thread(target=self._repeated, args=(work,), name=f"scrobbles-{name}", daemon=True)
            for name, work in works
        ]

    def start(self) -> None:
        """Begin."""
        for thread in self._threads:
            thread.start()

    def close(self) -> None:
        """End after the present step; waiting plays are sent later."""
        self._closed.set()
        for thread in self._threads:
            thread.join(timeout=_PATIENCE_SECONDS)
        self._http.close()

    def _waiting_seconds(self) -> float:
        """How long ago the oldest play was heard that waits; those of ended connections do not count."""
        valid = self._connections.that_may_send(self._scrobbles.connections_with_waiting())
        oldest = self._scrobbles.oldest_waiting(valid) if valid else None
        return 0.0 if oldest is None else max(0.0, (datetime.now(UTC) - oldest).total_seconds())

    def _repeated(self, work: Callable[[], None]) -> None:
        told = False
        while not self._closed.is_set():
            try:
                work()
                told = False
            except Exception as error:
                if self._closed.is_set():
                    return
                if not (told or self._is_outage(error)):  # once for each time
                    line = line_of(error)
                    log.warning("scrobbles have to wait: %s", line or error, exc_info=line is None)
                told = True
                self._closed.wait(_RETRY_SECONDS)

    def _read(self) -> None:
        """Read plays as long as there is a connection."""
        reading = Reading(self._store, self._settings, playing=self._playing)
        if reading.since() is None:
            self._closed.wait(self._look)
            return
        kafka = connected(self._settings).kafka
        topic = kafka.plays_topic
        with GroupReader(kafka, topic, group=group_of(topic), since=reading.since) as reader:
            while not self._closed.is_set() and reading.since() is not None:
                if values := reader.poll(seconds=_POLL_SECONDS):
                    reading.take(values)
                    reader.commit()

    def _tell(self) -> None:
        """Report the current songs, apart from the scrobbles: these may take longer than a song is new."""
        while not self._closed.wait(_POLL_SECONDS):
            self._playing.send_all()

    def _send(self) -> None:
        sending = Sending(
            self._store, self._settings, box=box_of(self._settings), http=self._http, figures=self._figures
        )
        while not self._closed.is_set():
            # As long as something is taken, more may wait.
            taken = sending.send_all()
            if self._figures:
                self._figures.waiting(self._waiting_seconds())
            if not taken:
                self._closed.wait(self._look)
