"""Counts attempts to log in, and new guests, in MongoDB, so that several dashboards share the counts.

An attempt counts before its password is checked, so that sending many at once gives no extra attempts.
A right one is taken back. Attempts count by the name and the address together: guesses from elsewhere
lock nobody out. An address of IPv6 stands for its network, since a connection has 2^64 of them. A browser
that has logged in to the account before has a count of its own.
"""

from __future__ import annotations

import hashlib
import ipaddress
import re
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TypedDict

from segue.clock import now
from segue.people.accounts import name_key
from segue.storage.mongo import Document, DuplicateKeyError
from segue.storage.records import Count
from segue.storage.store import Collection, Index, Job, Personal, Policy, Right, Store

WINDOW = timedelta(minutes=15)
LIMITS = {
    "device": 10,
    "name-at": 10,
    "address": 50,
    "app": 50,
    "name": 200,
    "sign-up": 20,
    "operator-link": 10,
    "mail": 10,
    "mails-to": 3,
    "server": 20,
}
"""The most failed attempts of a source within the window. Further ones are refused without a check.

From many addresses, a name has many attempts: only browsers that are new to the account wait then.
"""
_LONGEST_NAME, _LONGEST_ADDRESS = 64, 64
_NETWORK_BITS = 64
"""Of the addresses of IPv6 that one connection to the internet gets."""


class LoginFailure(TypedDict):
    _id: str
    """The source: "<kind>:<name, address or device>", of the kinds of :data:`LIMITS` or "guests"."""
    count: Count
    """Failures, or guests, since the first one that counts."""
    expires_at: datetime
    """When the failures are forgotten."""


def of_name(name: str) -> str:
    """The source of attempts with a name, from anywhere."""
    return f"name:{name_key(name)[:_LONGEST_NAME]}"


def of_name_at(name: str, address: str) -> str:
    """The source of attempts with a name from an address."""
    return f"name-at:{name_key(name)[:_LONGEST_NAME]}\n{network_of(address)}"


def of_address(address: str) -> str:
    """The source of attempts from an address, with any name."""
    return f"address:{network_of(address)}"


def of_app(address: str) -> str:
    """The source of app passwords without a name, from an address."""
    return f"app:{network_of(address)}"


def of_device(digest: str, user_id: str) -> str:
    """The source of attempts from a browser that has logged in before (:mod:`segue.people.devices`).

    By account: a right password for one of a shared browser's accounts gives no attempts at another.
    """
    return f"device:{hashlib.sha256(f'{digest} {user_id}'.encode()).hexdigest()}"


def of_sign_up(address: str) -> str:
    """The source of new accounts from an address."""
    return f"sign-up:{network_of(address)}"


def of_guests(network: str) -> str:
    """The source of new guests (:mod:`segue.people.newcomers`)."""
    return f"guests:{network}"


def of_operator_link(address: str) -> str:
    """The source of links for operators that are not valid, from an address."""
    return f"operator-link:{network_of(address)}"


def of_mail(address: str) -> str:
    """The source of mails that somebody asks for from an address."""
    return f"mail:{network_of(address)}"


_OF_LISTENERS = ("mails-to:", "server:")
"""The beginnings of sources with the id of a listener."""


def of_mails_to(user_id: str) -> str:
    """The source of mails to a listener."""
    return f"mails-to:{user_id}"


def of_server(user_id: str) -> str:
    """The source of a listener's attempts to log in to connected servers."""
    return f"server:{user_id}"


def network_of(address: str) -> str:
    """An address of IPv4, or the network of an address of IPv6."""
    try:
        known = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:  # a proxy that the settings trust may send anything
        return address[:_LONGEST_ADDRESS]
    if isinstance(known, ipaddress.IPv4Address):
        return str(known)
    if known.ipv4_mapped is not None:
        return str(known.ipv4_mapped)
    return str(ipaddress.IPv6Network((known, _NETWORK_BITS), strict=False))


def sources(name: str, address: str) -> tuple[str, ...]:
    """The sources of an attempt from a browser or app that is new to the account, the narrowest first."""
    return of_name_at(name, address), of_address(address), of_name(name)


def _with_name(name: str) -> Document:
    key = re.escape(name_key(name)[:_LONGEST_NAME])
    return {"_id": {"$regex": f"^(name:{key}$|name-at:{key}\n)"}}


def _of_listener(user_id: str, name: str | None) -> Document:
    own: Document = {"_id": {"$in": [of_mails_to(user_id), of_server(user_id)]}}
    return own if name is None else {"$or": [_with_name(name), own]}


class LoginFailures(Collection[LoginFailure]):
    """Failed attempts to log in, and new guests, by name and address; MongoDB removes old ones."""

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
        """Whether a source has no attempt left within the window."""
        return self.number(source) >= _limit(source)

    def number(self, source: str) -> int:
        """The attempts of a source within the window."""
        lasting = {"_id": source, "expires_at": {"$gt": self._clock()}}
        failures = self.documents.find_one(lasting, {"count": 1})
        return failures["count"] if failures is not None else 0

    def take(self, source: str) -> int:
        """Count an attempt; returns by how many the source has exceeded its limit: 0 if it had one left.

        The window begins with the first attempt and does not move: going on locks nobody out for good.
        """
        return max(self.count(source) - _limit(source), 0)

    def count(self, source: str, *, within: timedelta = WINDOW) -> int:
        """Count an attempt; returns the number within a window, which begins with the first one."""
        try:
            number = self._count(source, within)
        except DuplicateKeyError:  # of two first attempts at the same time
            number = self._count(source, within)
        if source.startswith(_OF_LISTENERS):
            self.refuse_gone({source.partition(":")[2]})
        return number

    def _count(self, source: str, within: timedelta) -> int:
        at = self._clock()
        # A damaged count or date counts as none.
        lasts = {
            "$and": [
                {"$isNumber": "$count"},
                {"$eq": [{"$type": "$expires_at"}, "date"]},
                {"$gt": ["$expires_at", at]},
            ]
        }
        counted = self.documents.find_one_and_update(
            {"_id": source},
            [
                {
                    "$set": {
                        "count": {"$cond": [lasts, {"$add": ["$count", 1]}, 1]},
                        "expires_at": {"$cond": [lasts, "$expires_at", at + within]},
                    }
                }
            ],
            {"count": 1},
            upsert=True,
            return_document=True,
        )
        return counted["count"] if counted else 1

    def give_back(self, source: str) -> None:
        """Take an attempt back: it was right."""
        self.documents.update_one({"_id": source, "count": {"$gt": 0}}, {"$inc": {"count": -1}})

    def clear(self, source: str) -> None:
        """Remove a source's failures, after a success."""
        self.documents.delete_one({"_id": source})

    def clear_name(self, name: str) -> None:
        """Remove the failures with a name, from all addresses."""
        self.documents.delete_many(_with_name(name))


def _limit(source: str) -> int:
    return LIMITS[source.partition(":")[0]]
