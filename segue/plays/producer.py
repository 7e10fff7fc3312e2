"""Sends plays to Kafka.

Delivery: as :class:`segue.storage.kafka.RecordProducer` says; a play that a restarted caller sends again
counts once downstream by its `event_id`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from segue.connections import KafkaSettings
from segue.plays.event import Play, checked
from segue.storage.kafka import RecordProducer


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
