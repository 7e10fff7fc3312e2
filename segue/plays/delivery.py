"""Deduplicated delivery of plays to Kafka.

Delivery: a play is claimed in MongoDB before it is sent, and marked as sent after all replicas have
acknowledged it. A repeated play is acknowledged without being sent. A claim that was not marked within
:data:`LEFT_OVER` belongs to an interrupted delivery (a crash, or Kafka was unavailable): the play is then
sent when the player repeats it. So a play reaches Kafka at least once despite failures, and twice only after
a crash between acknowledgement and mark. The stream then counts it once, by its event id.

What else a play changes is stored between acknowledgement and mark. A repeated play changes nothing more: it
could undo what a newer one has changed. After a crash, sending and storing are repeated together.
"""

from __future__ import annotations

import enum
import json
import logging
import re
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Literal, TypedDict

from segue import tracing
from segue.errors import SegueError
from segue.plays.broker_clock import BrokerClock
from segue.plays.event import InvalidPlay, Play, canonical_id, checked
from segue.plays.newest_offsets import NewestOffsets
from segue.settings import KafkaSettings, StreamSettings, milliseconds
from segue.storage.kafka import Place, RecordProducer
from segue.storage.mongo import Document, DuplicateKeyError
from segue.storage.store import Collection, Index, Job, Personal, Policy, Right, Store

log = logging.getLogger(__name__)
REMEMBERED = timedelta(days=7)
"""How long the id of a sent play is kept."""
WORTH_KEEPING = REMEMBERED - timedelta(days=1)
"""How long a player may retry a play: later, the id of a sent play may have been removed."""
LEFT_OVER = timedelta(seconds=30)
_MESSAGING: dict[str, str | int] = {"messaging.system": "kafka", "messaging.operation.type": "send"}
_COUNT = "messaging.batch.message_count"
_LEFT = "its listener has left"
_PATIENCE = 10.0
"""How long Kafka may take to acknowledge a play, in seconds."""


class PlayProducer(RecordProducer):
    """Sends plays, keyed by listener so that the plays of a listener keep their order."""

    def __init__(self, settings: KafkaSettings) -> None:
        super().__init__(settings, topic=settings.plays_topic)

    def send(self, event: Mapping[str, Any]) -> Any:
        """Validate an event and send it. Returns a future of the record's partition and offset.

        Raises
        ------
        InvalidPlay
            The event is not a valid play.
        """
        value, key = _record(checked(event))
        return self.send_bytes(value, key=key)

    def deliver(self, plays: Iterable[Play], *, seconds: float) -> list[Place]:
        """Send plays, and wait up to `seconds` for the acknowledgement of each. Returns their places.

        Raises
        ------
        NotAcknowledged
            Kafka has not acknowledged all of them.
        """
        return self.deliver_bytes(map(_record, plays), seconds=seconds)

    def tombstone(self, user_id: str) -> None:
        """Mark in the topic that a listener has left and that their plays must not be used.

        The record has the listener's key and no value. The streams skip it; a recount leaves out the plays
        with its key. Retention removes the record and the plays.
        """
        self.send_bytes(None, key=user_id.encode()).get(timeout=30)


def _record(play: Play) -> tuple[bytes, bytes]:
    """The value and the key of a play's record."""
    value = json.dumps(play, separators=(",", ":"), ensure_ascii=False)
    return value.encode(), str(play["user_id"]).encode()


def _moved(plays: Sequence[Play], *, by: int) -> list[Play]:
    """Plays whose event time is `by` milliseconds later."""
    if not by:
        return list(plays)
    return [Play({**play, "occurred_at": max(0, play["occurred_at"] + by)}) for play in plays]


def _in_time(early_ms: int, accepted: StreamSettings) -> bool:
    """Whether the stream accepts a play that happened `early_ms` after it reached Kafka."""
    return -milliseconds(accepted.allowed_lateness) <= early_ms <= milliseconds(accepted.max_clock_skew)


class SentPlay(TypedDict):
    _id: str
    """"<user id>:<event id>": by listener, so that nobody can use up the event id of another listener. The
    event id is spelled as by :func:`segue.plays.event.canonical_id`."""
    sent: bool
    """Whether Kafka has acknowledged the play."""
    at: datetime
    """When the play was claimed or sent."""


class Claim(enum.Enum):
    """The result of claiming a play."""

    OURS = enum.auto()
    SENT = enum.auto()
    """Kafka has it."""
    THEIRS = enum.auto()
    """Another request is sending it."""
    NOBODYS = enum.auto()
    """Its listener has left."""


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
            return Claim.NOBODYS if self.refuse_gone({play["user_id"]}) else Claim.OURS
        except DuplicateKeyError:
            pass
        if self.documents.find_one({"_id": key, "sent": True}, {"sent": 1}):
            return Claim.SENT
        # A damaged claim is taken up, too: a play that is sent twice counts once.
        fresh = {"sent": False, "at": {"$gte": now - LEFT_OVER}}
        left_over = {"_id": key, "sent": {"$ne": True}, "$nor": [fresh]}
        taken_up = self.documents.find_one_and_update(left_over, {"$set": {"sent": False, "at": now}})
        return Claim.OURS if taken_up else Claim.THEIRS

    def give_up(self, plays: Sequence[Play]) -> None:
        """Release the claims of plays that could not be sent, so that they can be claimed again at once."""
        self.documents.delete_many({"_id": {"$in": [_key(play) for play in plays]}, "sent": False})

    def mark(self, plays: Sequence[Play]) -> None:
        """Mark plays as sent."""
        self.documents.update_many({"_id": {"$in": [_key(play) for play in plays]}}, {"$set": {"sent": True}})


def _key(play: Play) -> str:
    return f"{play['user_id']}:{canonical_id(play['event_id'])}"


Result = Literal["delivered", "refused", "failed"]
"""What becomes of events: Kafka has them, they are invalid, or Kafka did not accept those of a request."""


class PlayDelivery:
    """Delivers the plays of all requests through one producer, which is created for the first play.

    The times of plays are corrected if this machine's clock differs from those of the brokers.
    """

    def __init__(
        self,
        store: Store,
        connect: Callable[[], PlayProducer],
        *,
        accepted: StreamSettings | None = None,
        keep: Callable[[Sequence[Play]], None] = lambda plays: None,
        count: Callable[[Result, int], None] = lambda result, number: None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """`connect` creates a producer. It is called again after a failure, since brokers may have moved.

        `accepted` says which plays the stream takes as late or from the future. Plays that were sent before a
        wrong clock was recognised, and that it rejects for that, are sent again.

        `keep` stores what plays change besides: it gets those that Kafka has just acknowledged, before they
        are marked as sent.

        `count` gets the number of events with a result; a request that failed counts as one.
        """
        self._sent, self._connect, self._keep = SentPlays(store), connect, keep
        self._accepted, self._count, self._clock = accepted, count, clock
        self.broker_clock = BrokerClock()
        self._newest = NewestOffsets()
        self._producer: PlayProducer | None = None
        self._lock = threading.Lock()
        self._not_before = 0.0

    def send(self, events: Sequence[Mapping[str, Any]]) -> tuple[list[Play], dict[str, str]]:
        """Validate events, and send the plays that were not sent before.

        Returns
        -------
        The plays that Kafka has, from this call or an earlier one; and the reason for each rejected event, by
        event id. A play in neither is being sent by another request.

        Raises
        ------
        SegueError
            Kafka does not accept plays now.
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
        delivered = [play for event_id, play in plays.items() if claims[event_id] in (Claim.OURS, Claim.SENT)]
        refused |= {event_id: _LEFT for event_id, claim in claims.items() if claim is Claim.NOBODYS}
        self._count("delivered", len(delivered))
        self._count("refused", len(refused))
        if refused:
            log.info("events are refused: %s", sorted(set(refused.values())))
        return delivered, refused

    def _deliver(self, plays: Sequence[Play]) -> None:
        try:
            with tracing.span("send plays", kind="producer", attributes=_MESSAGING | {_COUNT: len(plays)}):
                self._deliver_in_time(plays)
        except SegueError as error:
            self._sent.give_up(plays)
            self._start_over()
            self._count("failed", 1)
            raise SegueError(f"Kafka does not accept plays now: {error}") from None
        self._keep(plays)
        self._sent.mark(plays)

    def _deliver_in_time(self, plays: Sequence[Play]) -> None:
        """Send plays, and once more those that the stream rejects because this machine's clock is wrong."""
        before = self.broker_clock.ahead_ms
        places = self._sent_at(_moved(plays, by=-before))
        now, accepted = self.broker_clock.ahead_ms, self._accepted
        if accepted is None or now == before:
            return
        rejected = [
            play
            for play, place in zip(plays, places, strict=True)
            if not _in_time(play["occurred_at"] - before - place.timestamp, accepted)
            and _in_time(play["occurred_at"] - now - place.timestamp, accepted)
        ]
        if rejected:
            self._sent_at(_moved(rejected, by=-now))

    def _sent_at(self, plays: Sequence[Play]) -> list[Place]:
        producer, sent = self._ready(), self._clock() * 1000
        places = producer.deliver(plays, seconds=_PATIENCE)
        acknowledged = self._clock() * 1000
        for place in places:
            self.broker_clock.measure(sent=sent, acknowledged=acknowledged, dated=place.timestamp)
        self._newest.take(places)
        return places

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
        """Make the next request connect again. Plays that this producer has buffered are dropped."""
        with self._lock:
            producer, self._producer = self._producer, None
        if producer is not None:
            threading.Thread(target=producer.close, daemon=True).start()

    def close(self) -> None:
        with self._lock:
            if self._producer is not None:
                self._producer.close()
