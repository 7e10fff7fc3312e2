"""Follows: a listener asks another, who agrees or does not. It decides who sees whose activity.

Delivery: one document for each pair and direction, so that asking or agreeing twice is the same as once.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Literal, TypedDict

from segue.people.accounts import Account, Accounts
from segue.social.links import SharingError
from segue.storage.mongo import DESCENDING, Document
from segue.storage.store import Collection, Index, Job, Personal, Policy, Right, Store

MOST_ASKED = 100
"""Requests that may wait for an answer: nobody asks the whole service."""


class Follow(TypedDict):
    """One listener follows another, or has asked to."""

    _id: str
    """"<follower>><followed>"."""
    follower: str
    """Id of the listener who follows or asks to."""
    followed: str
    """Id of the listener who is followed."""
    agreed: bool
    """Whether the followed listener has agreed."""
    at: datetime
    """When it was asked for, or agreed to."""


class Follows(Collection[Follow]):
    """Who follows whom."""

    name = "follows"
    policy = Policy(
        personal=Personal(owner=("follower", "followed")),
        access={Job.DASHBOARD: Right.WRITE | Right.INDEX, Job.OPERATOR: Right.WRITE},
    )
    indexes = (Index.on("followed", "agreed"), Index.on("follower", "agreed"))

    def __init__(self, store: Store) -> None:
        super().__init__(store)
        self._accounts = Accounts(store)

    def ask(self, follower: str, name: str) -> None:
        """Ask the listener of a name. The answer is the same where there is none, so names cannot be probed.

        Raises
        ------
        SharingError
            The follower has asked too many who have not answered, or asks themselves.
        """
        waiting = self.documents.count_documents({"follower": follower, "agreed": False}, limit=MOST_ASKED)
        if waiting >= MOST_ASKED:
            raise SharingError("Too many of your requests wait for an answer.")
        account = self._accounts.named(name)
        if account is None:
            return
        if account.user_id == follower:
            raise SharingError("That is you.")
        pair = {"follower": follower, "followed": account.user_id}
        new = {**pair, "agreed": False, "at": datetime.now(UTC)}
        self.documents.update_one({"_id": _pair(**pair)}, {"$setOnInsert": new}, upsert=True)

    def agree(self, followed: str, follower: str) -> bool:
        """Let somebody who has asked follow; False when nobody has asked."""
        change = {"$set": {"agreed": True, "at": datetime.now(UTC)}}
        return bool(self.documents.update_one({"_id": _pair(follower, followed)}, change).matched_count)

    def end(self, follower: str, followed: str) -> None:
        """Either side ends it: a request is refused or taken back, an agreement is over."""
        self.documents.delete_one({"_id": _pair(follower, followed)})

    def agreed(self, follower: str, followed: str) -> bool:
        """Whether one follows the other with their agreement."""
        return self.documents.find_one({"_id": _pair(follower, followed), "agreed": True}) is not None

    def know_each_other(self, first: str, other: str) -> bool:
        """Whether either follows the other with agreement: then both have said yes to it."""
        return self.agreed(first, other) or self.agreed(other, first)

    def followed_by(self, follower: str) -> list[Account]:
        """The listeners that one follows with their agreement."""
        return self._people({"follower": follower, "agreed": True}, "followed")

    def followers_of(self, followed: str) -> list[Account]:
        """The listeners who follow one with agreement."""
        return self._people({"followed": followed, "agreed": True}, "follower")

    def asking(self, followed: str) -> list[Account]:
        """The listeners who wait for one's answer."""
        return self._people({"followed": followed, "agreed": False}, "follower")

    def _people(self, wanted: Document, side: Literal["follower", "followed"]) -> list[Account]:
        ids = [follow[side] for follow in self.documents.find(wanted).sort("at", DESCENDING)]
        names = self._accounts.names(ids)
        return [Account(user_id, names[user_id]) for user_id in ids if user_id in names]


def _pair(follower: str, followed: str) -> str:
    return f"{follower}>{followed}"
