"""What a listener lets their followers see; nothing unless they have chosen it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal

from pymongo.database import Database

from segue.engagement.listening import Listening
from segue.social.follows import Follows, Person
from segue.storage.mongo import Document
from segue.storage.store import Store

FRESH = timedelta(days=14)


@dataclass(frozen=True)
class Activity:
    """Something that a followed listener did."""

    person: Person
    what: Literal["liked", "listened"]
    track_id: str
    at: datetime
    times: int
    """How often it was heard; 1 for a like."""


def shows_activity(database: Database[Document], user_id: str) -> bool:
    """Whether a listener lets followers see what they hear and like."""
    found = database.privacy.find_one({"_id": user_id}, {"activity": 1}) or {}
    return bool(found.get("activity", False))


def show_activity(database: Database[Document], user_id: str, *, shown: bool) -> None:
    database.privacy.update_one({"_id": user_id}, {"$set": {"activity": shown}}, upsert=True)


def feed(
    database: Database[Document], user_id: str, *, limit: int = 40, now: datetime | None = None
) -> list[Activity]:
    """What those whom a listener follows have done lately and show, the newest first."""
    since = (now or datetime.now(UTC)) - FRESH
    followed = {one.user_id: one for one in Follows(database).followed_by(user_id)}
    open_ones = database.privacy.find({"_id": {"$in": list(followed)}, "activity": True}, {"_id": 1})
    people = [followed[one["_id"]] for one in open_ones]
    if not people:
        return []
    found = [*_likes(database, people, since, limit), *_listened(database, people, since, limit)]
    return sorted(found, key=lambda one: (one.at, one.track_id), reverse=True)[:limit]


def _likes(
    database: Database[Document], people: Sequence[Person], since: datetime, limit: int
) -> list[Activity]:
    by_id = {one.user_id: one for one in people}
    wanted = {"user_id": {"$in": list(by_id)}, "opinion": "like", "at": {"$gte": since}}
    found = database.opinions.find(wanted).sort("at", -1).limit(limit)
    return [Activity(by_id[one["user_id"]], "liked", one["track_id"], one["at"], 1) for one in found]


def _listened(
    database: Database[Document], people: Sequence[Person], since: datetime, limit: int
) -> list[Activity]:
    """Tracks heard to the end, once for each listener and track."""
    by_id = {one.user_id: one for one in people}
    heard = Listening(Store(database)).heard_to_the_end(list(by_id), since=since, limit=limit)
    return [Activity(by_id[one.user_id], "listened", one.track_id, one.at, one.times) for one in heard]
