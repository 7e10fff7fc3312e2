"""Following: a listener asks another, who agrees or does not. What is seen of whom depends on it.

Delivery: one document for each pair and direction, so that asking or agreeing twice is the same as once.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from pymongo.database import Database

from segue.social.links import SharingError
from segue.storage.mongo import Document

MOST_ASKED = 100
"""Requests that may wait for an answer: nobody asks the whole service."""


@dataclass(frozen=True)
class Person:
    """Another listener, by the name of the account."""

    user_id: str
    name: str


class Follows:
    """Who follows whom."""

    def __init__(self, database: Database[Document]) -> None:
        self._follows, self._accounts = database.follows, database.accounts

    def ask(self, follower: str, name: str) -> None:
        """Ask the listener of a name. Whether there is one is not told: names are not for listing.

        Raises
        ------
        SharingError
            The follower has asked too many who have not answered, or asks themselves.
        """
        waiting = self._follows.count_documents({"follower": follower, "agreed": False}, limit=MOST_ASKED)
        if waiting >= MOST_ASKED:
            raise SharingError("Too many of your requests wait for an answer.")
        found = self._accounts.find_one({"_id": name.strip().casefold()}, {"user_id": 1})
        if found is None:
            return
        if found["user_id"] == follower:
            raise SharingError("That is you.")
        pair = {"follower": follower, "followed": found["user_id"]}
        new = {**pair, "agreed": False, "at": datetime.now(UTC)}
        self._follows.update_one({"_id": _pair(**pair)}, {"$setOnInsert": new}, upsert=True)

    def agree(self, followed: str, follower: str) -> bool:
        """Let somebody who has asked follow; False when nobody has asked."""
        change = {"$set": {"agreed": True, "at": datetime.now(UTC)}}
        return bool(self._follows.update_one({"_id": _pair(follower, followed)}, change).matched_count)

    def end(self, follower: str, followed: str) -> None:
        """Either side ends it: a request is refused or taken back, an agreement is over."""
        self._follows.delete_one({"_id": _pair(follower, followed)})

    def agreed(self, follower: str, followed: str) -> bool:
        """Whether one follows the other with their agreement."""
        return self._follows.find_one({"_id": _pair(follower, followed), "agreed": True}) is not None

    def know_each_other(self, one: str, other: str) -> bool:
        """Whether either follows the other with agreement: then both have said yes to it."""
        return self.agreed(one, other) or self.agreed(other, one)

    def followed_by(self, follower: str) -> list[Person]:
        """Whom a listener follows with their agreement."""
        return self._people({"follower": follower, "agreed": True}, "followed")

    def followers_of(self, followed: str) -> list[Person]:
        return self._people({"followed": followed, "agreed": True}, "follower")

    def asking(self, followed: str) -> list[Person]:
        """Who waits for a listener's answer."""
        return self._people({"followed": followed, "agreed": False}, "follower")

    def _people(self, wanted: Document, side: str) -> list[Person]:
        ids = [one[side] for one in self._follows.find(wanted).sort("at", -1)]
        names = {
            one["user_id"]: one["name"]
            for one in self._accounts.find({"user_id": {"$in": ids}}, {"user_id": 1, "name": 1})
        }
        return [Person(user_id, names[user_id]) for user_id in ids if user_id in names]


def _pair(follower: str, followed: str) -> str:
    return f"{follower}>{followed}"
