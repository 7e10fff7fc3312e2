"""Plays on their way to Kafka, each once.

Delivery: a play's event_id is noted in MongoDB before it is sent and marked as sent after all replicas have
acknowledged it. One that comes again is acknowledged without being sent; one whose sending broke off (a
crash, Kafka away) is sent again when it comes again. So a play reaches Kafka at least once whatever fails,
and twice only after a crash between acknowledgement and mark; then the stream counts it once by event_id.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from kafka.errors import KafkaError
from pymongo.database import Database
from pymongo.errors import DuplicateKeyError

from segue.dashboard.people.sessions import now
from segue.errors import SegueError
from segue.local.stack import connected
from segue.plays.event import fault
from segue.settings import Settings
from segue.storage.kafka import PlayProducer
from segue.storage.mongo import Document

REMEMBERED = timedelta(days=7)
"""Longer than a browser keeps what it could not send and still may."""
_PATIENCE = 10.0
_LEFT_OVER = timedelta(seconds=30)
"""A sending that was noted so long ago and not marked has broken off."""


class Outgoing:
    """Sends plays from all requests through one producer, made when the first one comes."""

    def __init__(self, database: Database[Document], settings: Settings) -> None:
        self._sent, self._settings = database.sent_plays, settings
        self._sent.create_index("at", expireAfterSeconds=int(REMEMBERED.total_seconds()))
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
            state = self._claim(_key(play))
            if state == "sent":
                taken.append(event_id)
            elif state == "mine":
                mine.append(play)
        if mine:
            self._deliver(mine)
            taken += [play["event_id"] for play in mine]
        return taken, refused

    def _claim(self, key: str) -> str:
        """Whether a play is this request's to send ("mine"), has been "sent", or is another's ("theirs")."""
        try:
            self._sent.insert_one({"_id": key, "sent": False, "at": now()})
            return "mine"
        except DuplicateKeyError:
            pass
        found = self._sent.find_one({"_id": key})
        if found and found["sent"]:
            return "sent"
        left_over = {"_id": key, "sent": False, "at": {"$lt": now() - _LEFT_OVER}}
        return "mine" if self._sent.find_one_and_update(left_over, {"$set": {"at": now()}}) else "theirs"

    def _deliver(self, plays: list[dict[str, Any]]) -> None:
        keys = [_key(play) for play in plays]
        try:
            producer = self._ready()
            futures = [producer.send(play) for play in plays]
            for future in futures:
                future.get(timeout=_PATIENCE)
        except (KafkaError, SegueError) as error:
            self._sent.delete_many({"_id": {"$in": keys}, "sent": False})
            self._start_over()
            raise SegueError(f"Kafka does not take plays now: {error}") from None
        self._sent.update_many({"_id": {"$in": keys}}, {"$set": {"sent": True}})

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


def _key(play: dict[str, Any]) -> str:
    """By listener, so that nobody can use up another's event id."""
    return f"{play['user_id']}:{play['event_id'].lower()}"
