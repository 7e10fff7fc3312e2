"""Which plays Kafka has, by the players' word for them: so each is sent once, however often it comes."""

from __future__ import annotations

import enum
import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import TypedDict

from segue.plays.event import Play
from segue.storage.mongo import DuplicateKeyError
from segue.storage.store import Collection, Index, Job, Personal, Policy, Right

REMEMBERED = timedelta(days=7)
"""How long it is known that a play was sent."""
WORTH_KEEPING = REMEMBERED - timedelta(days=1)
"""How long a player may keep what it could not send: what it sends later might have been forgotten."""
_BROKEN_OFF = timedelta(seconds=30)
"""A sending that was claimed so long ago and not marked has broken off."""


class SentPlay(TypedDict):
    """A play on its way to Kafka, or there."""

    _id: str
    """"<user_id>:<event_id>", so that nobody can use up another's event id."""
    sent: bool
    at: datetime
    """When its sending was claimed."""


class Claim(enum.Enum):
    """Whose a play is to send."""

    OURS = enum.auto()
    SENT = enum.auto()
    """Kafka has it."""
    THEIRS = enum.auto()
    """Another request is sending it."""


class SentPlays(Collection[SentPlay]):
    """Claims of plays before they are sent, and marks on those that were."""

    name = "sent_plays"
    policy = Policy(
        computed=True,
        personal=Personal(owner=()),  # the listener is a part of the _id: SentPlays.forget
        access={Job.DASHBOARD: Right.WRITE | Right.INDEX, Job.OPERATOR: Right.WRITE},
    )
    indexes = (Index.on("at", keep=REMEMBERED),)

    def claim(self, play: Play) -> Claim:
        """Claim the sending of a play, unless it was sent or somebody else is at it."""
        key, now = _key(play), datetime.now(UTC)
        try:
            self.documents.insert_one({"_id": key, "sent": False, "at": now})
            return Claim.OURS
        except DuplicateKeyError:
            pass
        stored = self.documents.find_one({"_id": key})
        if stored and stored["sent"]:
            return Claim.SENT
        broken_off = {"_id": key, "sent": False, "at": {"$lt": now - _BROKEN_OFF}}
        taken_up = self.documents.find_one_and_update(broken_off, {"$set": {"at": now}})
        return Claim.OURS if taken_up else Claim.THEIRS

    def mark(self, plays: Sequence[Play]) -> None:
        """Note that Kafka has them."""
        self.documents.update_many({"_id": {"$in": [_key(play) for play in plays]}}, {"$set": {"sent": True}})

    def release(self, plays: Sequence[Play]) -> None:
        """Give up the claims of plays that could not be sent."""
        self.documents.delete_many({"_id": {"$in": [_key(play) for play in plays]}, "sent": False})

    def forget(self, user_id: str) -> int:
        """Remove a listener's; returns how many there were."""
        return self.documents.delete_many({"_id": {"$regex": f"^{re.escape(user_id)}:"}}).deleted_count


def _key(play: Play) -> str:
    return f"{play['user_id']}:{play['event_id'].lower()}"
