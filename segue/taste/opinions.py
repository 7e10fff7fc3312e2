"""Likes and dislikes: a listener's latest opinion of a track, stored beside the plays that expressed it.

Delivery: one document for each listener and track, so that a repeated opinion overwrites itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Literal, TypedDict, get_args

from segue.plays.event_types import WITHDRAWALS
from segue.storage.mongo import ASCENDING, DESCENDING, DeleteOne, UpdateOne
from segue.storage.store import Collection, Index, Job, Personal, Policy, Right

Kind = Literal["like", "dislike"]
KINDS: tuple[Kind, ...] = get_args(Kind)
_NEWEST = 5000


class Opinion(TypedDict):
    _id: str
    """"<user id>:<track id>"."""
    user_id: str
    """The listener's id."""
    track_id: str
    """The track's id."""
    opinion: Kind
    """Like or dislike."""
    at: datetime
    """When it was given."""


class Opinions(Collection[Opinion]):
    """All listeners' likes and dislikes, the last one for each track."""

    name = "opinions"
    policy = Policy(
        personal=Personal(owner=("user_id",)),
        access={
            Job.DASHBOARD: Right.WRITE | Right.INDEX,
            Job.OPERATOR: Right.WRITE,
            Job.CATALOGUE: Right.READ,  # library forget counts those that it affects
        },
    )
    indexes = (Index(keys=[("user_id", ASCENDING), ("at", DESCENDING)]), Index.on("track_id"))

    def keep(self, opinions: Iterable[tuple[str, str, str]]) -> None:
        """Apply (user id, track id, event type) in this order.

        An opinion replaces the former one. The event that takes an opinion back removes it, unless another
        opinion has replaced it. Events of other types change nothing.
        """
        at = datetime.now(UTC)
        changes = [
            change
            for user_id, track_id, event_type in opinions
            if (change := _change(user_id, track_id, event_type, at=at)) is not None
        ]
        if changes:
            self.documents.bulk_write(changes, ordered=True)

    def by_track(self, user_id: str) -> dict[str, Kind]:
        """A listener's newest 5,000 opinions by track id."""
        own = self.documents.find({"user_id": user_id}, {"track_id": 1, "opinion": 1})
        documents = own.sort("at", DESCENDING).limit(_NEWEST)
        return {document["track_id"]: document["opinion"] for document in documents}

    def given(self, user_id: str, track_ids: Iterable[str]) -> dict[str, Opinion]:
        """A listener's opinions of some tracks, by track id."""
        ids = [f"{user_id}:{track_id}" for track_id in dict.fromkeys(track_ids)]
        return {opinion["track_id"]: opinion for opinion in self.documents.find({"_id": {"$in": ids}})}

    def of_kind(self, user_id: str, kind: Kind, *, limit: int) -> list[str]:
        """The tracks that a listener likes or dislikes, the latest opinion first."""
        wanted = {"user_id": user_id, "opinion": kind}
        return [
            document["track_id"]
            for document in self.documents.find(wanted, {"track_id": 1}).sort("at", DESCENDING).limit(limit)
        ]

    def count(self, user_id: str, kind: Kind) -> int:
        """The number of tracks that a listener likes or dislikes."""
        return self.documents.count_documents({"user_id": user_id, "opinion": kind})

    def count_likes_of(self, track_ids: Iterable[str]) -> int:
        """The number of likes of these tracks, by all listeners."""
        return self.documents.count_documents({"track_id": {"$in": list(track_ids)}, "opinion": "like"})

    def disliked(self, user_id: str) -> list[str]:
        """All tracks that a listener dislikes, in no order."""
        wanted = {"user_id": user_id, "opinion": "dislike"}
        return [document["track_id"] for document in self.documents.find(wanted, {"track_id": 1})]

    def likes_of(self, user_ids: Sequence[str], *, since: datetime, limit: int) -> list[Opinion]:
        """`user_id`, `track_id` and `at` of the likes of several listeners since a moment, newest first."""
        wanted = {"user_id": {"$in": list(user_ids)}, "opinion": "like", "at": {"$gte": since}}
        fields = {"user_id": 1, "track_id": 1, "at": 1}
        return list(self.documents.find(wanted, fields).sort("at", DESCENDING).limit(limit))


def _change(user_id: str, track_id: str, event_type: str, *, at: datetime) -> UpdateOne | DeleteOne | None:
    key = f"{user_id}:{track_id}"
    if event_type in WITHDRAWALS:
        return DeleteOne({"_id": key, "opinion": WITHDRAWALS[event_type]})
    if event_type in KINDS:
        opinion = {"user_id": user_id, "track_id": track_id, "opinion": event_type, "at": at}
        return UpdateOne({"_id": key}, {"$set": opinion}, upsert=True)
    return None
