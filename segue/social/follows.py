"""Follows: a listener asks to follow another, who may agree. Followers see the other's activity.

Delivery: one document per pair and direction, so that repeating a request or an agreement changes nothing.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Literal, TypedDict

from segue.people.accounts import Account, Accounts
from segue.phrases import marked
from segue.social.links import SharingError
from segue.storage.mongo import DESCENDING, Document
from segue.storage.store import Collection, Index, Job, Personal, Policy, Right, Store

MOST_ASKED = 100
"""The maximum number of a listener's pending requests, against mass requests."""


class Follow(TypedDict):
    """A listener follows another, or has asked to."""

    _id: str
    """"<follower>><followed>"."""
    follower: str
    """Id of the listener who follows or asks to."""
    followed: str
    """Id of the listener who is followed."""
    agreed: bool
    """Whether the followed listener has agreed."""
    at: datetime
    """The time of the request, or of the agreement."""


class Follows(Collection[Follow]):
    """The follows and requests of all listeners."""

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
        """Ask to follow the listener of a name. An unknown name raises no error, so names cannot be probed.

        Raises
        ------
        SharingError
            The follower has too many pending requests, or asks themselves.
        """
        pending: Document = {"follower": follower, "agreed": False}
        full = SharingError(marked("You have too many pending requests."))
        if not self.room(pending, most=MOST_ASKED):  # before the name is looked up: names cannot be probed
            raise full
        account = self._accounts.named(name)
        if account is None:
            return
        if account.user_id == follower:
            raise SharingError(marked("That is you."))
        pair = {"follower": follower, "followed": account.user_id}
        new = {**pair, "agreed": False, "at": datetime.now(UTC)}
        if not self.upsert_within(_pair(**pair), {"$setOnInsert": new}, pending, most=MOST_ASKED):
            raise full

    def agree(self, followed: str, follower: str) -> bool:
        """Agree to a request; False if there is none."""
        change = {"$set": {"agreed": True, "at": datetime.now(UTC)}}
        return bool(self.documents.update_one({"_id": _pair(follower, followed)}, change).matched_count)

    def end(self, follower: str, followed: str) -> None:
        """End a follow or a request, by either side."""
        self.documents.delete_one({"_id": _pair(follower, followed)})

    def agreed(self, follower: str, followed: str) -> bool:
        """Whether `follower` follows `followed` with agreement."""
        return (
            self.documents.find_one({"_id": _pair(follower, followed), "agreed": True}, {"_id": 1})
            is not None
        )

    def know_each_other(self, first: str, other: str) -> bool:
        """Whether either follows the other with agreement: both have then agreed to the contact."""
        return self.agreed(first, other) or self.agreed(other, first)

    def followed_by(self, follower: str) -> list[Account]:
        """The listeners whom `follower` follows with agreement."""
        return self._people({"follower": follower, "agreed": True}, "followed")

    def followers_of(self, followed: str) -> list[Account]:
        """The listeners who follow `followed` with agreement."""
        return self._people({"followed": followed, "agreed": True}, "follower")

    def asking(self, followed: str) -> list[Account]:
        """The listeners whose requests to `followed` are pending."""
        return self._people({"followed": followed, "agreed": False}, "follower")

    def _people(self, wanted: Document, side: Literal["follower", "followed"]) -> list[Account]:
        ids = [follow[side] for follow in self.documents.find(wanted, {side: 1}).sort("at", DESCENDING)]
        names = self._accounts.names(ids)
        return [Account(user_id, names[user_id]) for user_id in ids if user_id in names]


def _pair(follower: str, followed: str) -> str:
    return f"{follower}>{followed}"
