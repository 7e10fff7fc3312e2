"""Counts failed attempts by name and address, in MongoDB, so that several dashboards share the counts."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TypedDict

from segue.people.accounts import name_key
from segue.people.login_sessions import now
from segue.storage.mongo import Document
from segue.storage.records import Count
from segue.storage.store import Collection, Index, Job, Personal, Policy, Right, Store

WINDOW = timedelta(minutes=15)
LIMITS = {"name": 10, "address": 50, "sign-up": 20}
"""After this number of failures within the window, attempts are refused without a check of the password."""
_LONGEST_NAME = 64


class LoginFailure(TypedDict):
    _id: str
    """The source: "<kind>:<name or address>"; the kinds are the keys of :data:`LIMITS`."""
    count: Count
    """Failures since the first one that counts."""
    expires_at: datetime
    """When the failures are forgotten."""


def of_name(name: str) -> str:
    """The source of attempts with a name."""
    return f"name:{name_key(name)[:_LONGEST_NAME]}"


def of_address(address: str) -> str:
    """The source of attempts from an address."""
    return f"address:{address}"


def of_sign_up(address: str) -> str:
    """The source of new accounts from an address."""
    return f"sign-up:{address}"


def _of_listener(_user_id: str, name: str | None) -> Document | None:
    return None if name is None else {"_id": of_name(name)}


class LoginFailures(Collection[LoginFailure]):
    """Failures by source; MongoDB removes them when their window has ended."""

    name = "login_failures"
    policy = Policy(
        computed=True,
        personal=Personal(owner=(), traces=_of_listener),
        access={Job.DASHBOARD: Right.WRITE | Right.INDEX, Job.OPERATOR: Right.WRITE},
    )
    indexes = (Index.on("expires_at", keep=timedelta()),)

    def __init__(self, store: Store, *, clock: Callable[[], datetime] = now) -> None:
        super().__init__(store)
        self._clock = clock

    def exceeded(self, source: str) -> bool:
        """Whether a source has failed too often within the window."""
        lasting = {"_id": source, "expires_at": {"$gt": self._clock()}}
        failures = self.documents.find_one(lasting, {"count": 1})
        return failures is not None and failures["count"] >= LIMITS[source.partition(":")[0]]

    def count(self, source: str) -> None:
        """Count a failure; the window begins with the first failure."""
        over = {"expires_at": {"$lte": self._clock()}}
        # Nothing can be added to a damaged count, and a damaged date would never pass.
        damaged = [{"count": {"$not": {"$type": "number"}}}, {"expires_at": {"$not": {"$type": "date"}}}]
        self.documents.delete_one({"_id": source, "$or": [over, *damaged]})
        self.documents.update_one(
            {"_id": source},
            {"$inc": {"count": 1}, "$setOnInsert": {"expires_at": self._clock() + WINDOW}},
            upsert=True,
        )

    def clear(self, source: str) -> None:
        """Remove a source's failures, after a success."""
        self.documents.delete_one({"_id": source})
