"""Plays on their way to Kafka, each once.

Delivery: a play's event_id is noted in MongoDB before it is sent and marked as sent after all replicas have
acknowledged it (segue.plays.sent). One that comes again is acknowledged without being sent; one whose sending
broke off (a crash, Kafka away) is sent again when it comes again. So a play reaches Kafka at least once
whatever fails, and twice only after a crash between acknowledgement and mark; then the stream counts it once
by event_id.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from typing import Any

from segue.errors import SegueError
from segue.local.stack import connected
from segue.plays.event import fault
from segue.plays.sent import SentPlays
from segue.settings import Settings
from segue.storage.kafka import PlayProducer
from segue.storage.store import Store

_PATIENCE = 10.0


class Outgoing:
    """Sends plays from all requests through one producer, made when the first one comes."""

    def __init__(self, store: Store, settings: Settings) -> None:
        self._sent, self._settings = SentPlays(store), settings
        self._producer: PlayProducer | None = None
        self._lock = threading.Lock()
        self._not_before = 0.0

    def send(self, plays: Sequence[dict[str, Any]]) -> tuple[list[str], dict[str, str]]:
        """Send those plays that were not sent before.

        Returns
        -------
        The event ids that Kafka has, now or since before; and those that it will never get, with the reason.
        An id in neither is being sent by another request.

        Raises
        ------
        SegueError
            Kafka does not take them now.
        """
        refused = {str(play.get("event_id")): wrong for play in plays if (wrong := fault(play))}
        sound = {play["event_id"]: play for play in plays if not fault(play)}
        taken, mine = [], []
        for event_id, play in sound.items():
            state = self._sent.claim(*_ids(play))
            if state == "sent":
                taken.append(event_id)
            elif state == "mine":
                mine.append(play)
        if mine:
            self._deliver(mine)
            taken += [play["event_id"] for play in mine]
        return taken, refused

    def _deliver(self, plays: list[dict[str, Any]]) -> None:
        ids = [_ids(play) for play in plays]
        try:
            self._ready().deliver(plays, timeout=_PATIENCE)
        except SegueError as error:
            self._sent.give_up(ids)
            self._start_over()
            raise SegueError(f"Kafka does not take plays now: {error}") from None
        self._sent.mark(ids)

    def _ready(self) -> PlayProducer:
        with self._lock:
            if self._producer is None:
                if time.monotonic() < self._not_before:
                    raise SegueError("it did not answer a moment ago")
                try:
                    # The embedded broker may have been started, or got another port, since.
                    self._producer = PlayProducer(connected(self._settings).kafka)
                except SegueError:
                    self._not_before = time.monotonic() + 5.0
                    raise
            return self._producer

    def _start_over(self) -> None:
        """Let the next request connect anew; what this producer still holds goes with it."""
        with self._lock:
            producer, self._producer = self._producer, None
        if producer is not None:
            threading.Thread(target=producer.close, daemon=True).start()

    def close(self) -> None:
        """End the producer."""
        with self._lock:
            if self._producer is not None:
                self._producer.close()


def _ids(play: dict[str, Any]) -> tuple[str, str]:
    return play["user_id"], play["event_id"]
