"""The activity that a listener shows to followers; hidden unless the listener chooses to show it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal, TypedDict

from segue.engagement.summed_listening import SummedListening
from segue.people.accounts import Account
from segue.social.follows import Follows
from segue.storage.store import Collection, Job, Personal, Policy, Right, Store
from segue.taste.opinions import Opinions

FRESH = timedelta(days=14)


class PrivacyChoice(TypedDict):
    _id: str
    """The listener's id."""
    activity: bool
    """Whether followers see the listener's plays and likes."""


class PrivacyChoices(Collection[PrivacyChoice]):
    """The listeners' choices about showing their activity.

    Delivery: one document per listener; a new choice replaces it.
    """

    name = "privacy"
    policy = Policy(personal=Personal(), access={Job.DASHBOARD: Right.WRITE, Job.OPERATOR: Right.WRITE})

    def activity_is_shown(self, user_id: str) -> bool:
        """Whether a listener shows plays and likes to followers."""
        choice = self.documents.find_one({"_id": user_id}, {"activity": 1})
        return choice is not None and bool(choice.get("activity", False))

    def show_activity(self, user_id: str, *, shown: bool) -> None:
        """Store a listener's choice."""
        self.documents.update_one({"_id": user_id}, {"$set": {"activity": shown}}, upsert=True)

    def showing_activity(self, user_ids: Sequence[str]) -> list[str]:
        """The listeners among these who show their activity."""
        wanted = {"_id": {"$in": list(user_ids)}, "activity": True}
        return [choice["_id"] for choice in self.documents.find(wanted, {"_id": 1})]


@dataclass(frozen=True)
class Activity:
    """An action of a followed listener."""

    person: Account
    what: Literal["liked", "listened"]
    track_id: str
    at: datetime
    times: int
    """The number of completions; 1 for a like."""


def feed(store: Store, user_id: str, *, limit: int = 40, now: datetime | None = None) -> list[Activity]:
    """The recent activity of followed listeners who show it, newest first."""
    since = (now or datetime.now(UTC)) - FRESH
    followed = {account.user_id: account for account in Follows(store).followed_by(user_id)}
    people = {user_id: followed[user_id] for user_id in PrivacyChoices(store).showing_activity([*followed])}
    if not people:
        return []
    likes = [
        Activity(people[opinion["user_id"]], "liked", opinion["track_id"], opinion["at"], 1)
        for opinion in Opinions(store).likes_of([*people], since=since, limit=limit)
    ]
    activities = [*likes, *_listened(store, people, since, limit)]
    return sorted(activities, key=lambda activity: (activity.at, activity.track_id), reverse=True)[:limit]


def _listened(store: Store, people: dict[str, Account], since: datetime, limit: int) -> list[Activity]:
    """Completed tracks, one entry per listener and track."""
    completions = SummedListening(store).latest_completions([*people], since=since, limit=limit)
    return [
        Activity(people[completion.user_id], "listened", completion.track_id, completion.at, completion.times)
        for completion in completions
    ]
