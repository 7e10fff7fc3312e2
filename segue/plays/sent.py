"""Which plays have been sent to Kafka, so that a player may send one again without doubling it.

Delivery: a play is claimed before it is sent and marked as sent after Kafka has acknowledged it. A claim that
was not marked within :data:`LEFT_OVER` belongs to a sending that broke off, and can be claimed again.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Literal, TypedDict

from segue.storage.mongo import Document, DuplicateKeyError
from segue.storage.store import Collection, Index, Job, Personal, Policy, Right

REMEMBERED = timedelta(days=7)
"""Longer than a browser keeps what it could not send and still may."""
LEFT_OVER = timedelta(seconds=30)


class SentPlay(TypedDict):
    _id: str
    """"<user id>:<event id>": by listener, so that nobody can use up another's event id."""
    sent: bool
    at: datetime


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

    def claim(self, user_id: str, event_id: str) -> Literal["mine", "sent", "theirs"]:
        """Whether a play is the caller's to send, has been sent, or is being sent by another request."""
        key, now = _key(user_id, event_id), datetime.now(UTC)
        try:
            self.documents.insert_one({"_id": key, "sent": False, "at": now})
            return "mine"
        except DuplicateKeyError:
            pass
        play = self.documents.find_one({"_id": key})
        if play and play["sent"]:
            return "sent"
        left_over = {"_id": key, "sent": False, "at": {"$lt": now - LEFT_OVER}}
        return "mine" if self.documents.find_one_and_update(left_over, {"$set": {"at": now}}) else "theirs"

    def give_up(self, plays: Sequence[tuple[str, str]]) -> None:
        """Let plays that could not be sent, (user id, event id), be claimed again at once."""
        self.documents.delete_many({"_id": {"$in": [_key(*play) for play in plays]}, "sent": False})

    def mark(self, plays: Sequence[tuple[str, str]]) -> None:
        """Note that Kafka has plays, (user id, event id)."""
        self.documents.update_many(
            {"_id": {"$in": [_key(*play) for play in plays]}}, {"$set": {"sent": True}}
        )


def _key(user_id: str, event_id: str) -> str:
    return f"{user_id}:{event_id.lower()}"
