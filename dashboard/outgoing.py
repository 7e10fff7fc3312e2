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
from collections.abc import Mapping, Sequence
from typing import Any

from segue.errors import SegueError
from segue.local.stack import connected
from segue.plays.event import InvalidPlay, Play, checked
from segue.plays.producer import PlayProducer
from segue.plays.sent import Claim, SentPlays
from segue.settings import Settings
from segue.storage.store import Store

_PATIENCE = 10.0
"""Seconds that Kafka has to acknowledge a play."""


class Outgoing:
    """Sends plays from all requests through one producer, made when the first one comes."""

    def __init__(self, store: Store, settings: Settings) -> None:
        self._sent, self._settings = SentPlays(store), settings
        self._producer: PlayProducer | None = None
        self._lock = threading.Lock()
        self._not_before = 0.0

    def send(self, events: Sequence[Mapping[str, Any]]) -> tuple[list[Play], dict[str, str]]:
        """Check events, and send those plays that were not sent before.

        Returns
        -------
        The plays that Kafka has, now or since before; and of those that it will never get, the event ids with
        the reason. A play in neither is being sent by another request.

        Raises
        ------
        SegueError
            Kafka does not take them now.
        """
        plays: dict[str, Play] = {}
        refused: dict[str, str] = {}
        for event in events:
            try:
                play = checked(event)
            except InvalidPlay as error:
                refused[str(event.get("event_id"))] = error.fault
            else:
                plays[play["event_id"]] = play
        claims = {event_id: self._sent.claim(play) for event_id, play in plays.items()}
        ours = [play for event_id, play in plays.items() if claims[event_id] is Claim.OURS]
        if ours:
            self._deliver(ours)
        there = [play for event_id, play in plays.items() if claims[event_id] is not Claim.THEIRS]
        return there, refused

    def _deliver(self, plays: Sequence[Play]) -> None:
        try:
            self._ready().deliver(plays, seconds=_PATIENCE)
        except SegueError as error:
            self._sent.give_up(plays)
            self._start_over()
            raise SegueError(f"Kafka does not take plays now: {error}") from None
        self._sent.mark(plays)

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
        with self._lock:
            if self._producer is not None:
                self._producer.close()
