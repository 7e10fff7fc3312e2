"""Which plays have been sent to Kafka, so that a player may send one again without doubling it.

Delivery: a play is claimed before it is sent and marked as sent after Kafka has acknowledged it. A claim that
was not marked within :data:`LEFT_OVER` belongs to a sending that broke off, and can be claimed again.
"""

from __future__ import annotations

import enum
import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import TypedDict

from segue.plays.event import Play
from segue.storage.mongo import Document, DuplicateKeyError
from segue.storage.store import Collection, Index, Job, Personal, Policy, Right

REMEMBERED = timedelta(days=7)
"""How long it is known that a play was sent."""
WORTH_KEEPING = REMEMBERED - timedelta(days=1)
"""How long a player may keep what it could not send: what it sends later might have been forgotten."""
LEFT_OVER = timedelta(seconds=30)


class SentPlay(TypedDict):
    _id: str
    """"<user id>:<event id>": by listener, so that nobody can use up another's event id."""
    sent: bool
    at: datetime


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
