"""Plays on their way to Kafka, each once.

Delivery: a play is claimed in MongoDB before it is sent, and marked as sent after all replicas have
acknowledged it. One that comes again is acknowledged without being sent. A claim that was not marked within
:data:`LEFT_OVER` belongs to a delivery that broke off (a crash, Kafka away): then the play is sent when it
comes again. So a play reaches Kafka at least once whatever fails, and twice only after a crash between
acknowledgement and mark; then the stream counts it once by event_id.
"""

from __future__ import annotations

import enum
import json
import re
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, TypedDict

from segue.errors import SegueError
from segue.plays.event import InvalidPlay, Play, checked
from segue.settings import KafkaSettings
from segue.storage.kafka import RecordProducer
from segue.storage.mongo import Document, DuplicateKeyError
from segue.storage.store import Collection, Index, Job, Personal, Policy, Right, Store

REMEMBERED = timedelta(days=7)
"""How long it is known that a play was sent."""
WORTH_KEEPING = REMEMBERED - timedelta(days=1)
"""How long a player may keep what it could not send: what it sends later might have been forgotten."""
LEFT_OVER = timedelta(seconds=30)
_PATIENCE = 10.0
"""Seconds that Kafka has to acknowledge a play."""


class PlayProducer(RecordProducer):
    """Sends plays, keyed by listener so that one listener's plays keep their order."""

    def __init__(self, settings: KafkaSettings) -> None:
        super().__init__(settings, topic=settings.plays_topic)

    def send(self, event: Mapping[str, Any]) -> Any:
        """Check an event and send it; returns a future of its place in the topic.

        Raises
        ------
        InvalidPlay
            The event is no play.
        """
        value, key = _record(checked(event))
        return self.send_bytes(value, key=key)

    def deliver(self, plays: Iterable[Play], *, seconds: float) -> None:
        """Send plays and wait until they are acknowledged, so long for each.

        Raises
        ------
        NotAcknowledged
            Kafka has not taken all of them.
        """
        self.deliver_bytes(map(_record, plays), seconds=seconds)

    def tombstone(self, user_id: str) -> None:
        """Say in the topic itself that this listener's plays are not to be used any more.

        A record with the listener's key and no value: the streams pass over it, a recount leaves out the
        plays that have its key. Retention takes both away.
        """
        self.send_bytes(None, key=user_id.encode()).get(timeout=30)


def _record(play: Play) -> tuple[bytes, bytes]:
    """The value and the key under which a play is sent."""
    value = json.dumps(play, separators=(",", ":"), ensure_ascii=False)
    return value.encode(), str(play["user_id"]).encode()


class SentPlay(TypedDict):
    _id: str
    """"<user id>:<event id>": by listener, so that nobody can use up another's event id."""
    sent: bool
    """Whether Kafka has acknowledged the play."""
    at: datetime
    """When the play was claimed or sent."""


class Claim(enum.Enum):
    """Whose a play is to send."""

    OURS = enum.auto()
    SENT = enum.auto()
    """Kafka has it."""
    THEIRS = enum.auto()
    """Another request is sending it."""


def _of_listener(user_id: str, _name: str | None) -> Document:
    return {"_id": {"$regex": f"^{re.escape(user_id)}:"}}


class SentPlays(Collection[SentPlay]):
    """The plays of the last days; MongoDB removes older ones."""

    name = "sent_plays"
    policy = Policy(
        computed=True,
        personal=Personal(owner=(), traces=_of_listener),
        access={Job.DASHBOARD: Right.WRITE | Right.INDEX, Job.OPERATOR: Right.WRITE},
    )
    indexes = (Index.on("at", keep=REMEMBERED),)

    def claim(self, play: Play) -> Claim:
        """Claim the sending of a play, unless it has been sent or another request is sending it."""
        key, now = _key(play), datetime.now(UTC)
        try:
            self.documents.insert_one({"_id": key, "sent": False, "at": now})
            return Claim.OURS
        except DuplicateKeyError:
            pass
        stored = self.documents.find_one({"_id": key})
        if stored and stored["sent"]:
            return Claim.SENT
        left_over = {"_id": key, "sent": False, "at": {"$lt": now - LEFT_OVER}}
        taken_up = self.documents.find_one_and_update(left_over, {"$set": {"at": now}})
        return Claim.OURS if taken_up else Claim.THEIRS

    def give_up(self, plays: Sequence[Play]) -> None:
        """Let plays that could not be sent be claimed again at once."""
        self.documents.delete_many({"_id": {"$in": [_key(play) for play in plays]}, "sent": False})

    def mark(self, plays: Sequence[Play]) -> None:
        """Note that Kafka has plays."""
        self.documents.update_many({"_id": {"$in": [_key(play) for play in plays]}}, {"$set": {"sent": True}})


def _key(play: Play) -> str:
    return f"{play['user_id']}:{play['event_id'].lower()}"


class PlayDelivery:
    """Delivers plays from all requests through one producer, made when the first play comes."""

    def __init__(self, store: Store, connect: Callable[[], PlayProducer]) -> None:
        """`connect` makes a producer; it is called again after a failure, since brokers may have moved."""
        self._sent, self._connect = SentPlays(store), connect
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
        delivered = [play for event_id, play in plays.items() if claims[event_id] is not Claim.THEIRS]
        return delivered, refused

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
                    self._producer = self._connect()
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
