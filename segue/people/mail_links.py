"""Links in mails: to choose a new password, and to confirm an address.

A link works once, for a short time, and MongoDB has the hash of its token only. It fits the account as it was
when the link was made: another password, or another address, makes it worthless.

Delivery: a link is one document, inserted once and removed by its use.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal, NotRequired, TypedDict

from segue.clock import now
from segue.storage.store import Collection, Index, Job, Personal, Policy, Right, Store

Purpose = Literal["password", "address"]
GOOD_FOR: dict[Purpose, timedelta] = {"password": timedelta(minutes=30), "address": timedelta(hours=24)}
"""How long a link works."""
PATHS: dict[Purpose, str] = {"password": "/reset", "address": "/confirm"}
"""The page of a link. The token follows a "#": browsers send it to no server, and no log has it."""
_LONGEST_TOKEN = 100


@dataclass(frozen=True, kw_only=True)
class MailLink:
    """A link that works."""

    user_id: str
    fits: str
    """As the link was made with."""
    address: str
    """The address to confirm; empty for another purpose."""


class StoredMailLink(TypedDict):
    """A document of `mail_links`."""

    _id: str
    """SHA-256 of purpose and token."""
    user_id: str
    """The listener's id."""
    fits: str
    """A digest of the account's password hash and address."""
    address: NotRequired[str]
    """The address to confirm."""
    expires_at: datetime
    """When the link becomes invalid."""


class MailLinks(Collection[StoredMailLink]):
    """The links that have been sent and not used."""

    name = "mail_links"
    policy = Policy(
        computed=True,
        personal=Personal(owner=("user_id",), secret=("_id", "fits")),
        access={Job.DASHBOARD: Right.WRITE | Right.INDEX, Job.OPERATOR: Right.WRITE},
    )
    indexes = (Index.on("expires_at", keep=timedelta()), Index.on("user_id"))

    def __init__(self, store: Store, *, clock: Callable[[], datetime] = now) -> None:
        super().__init__(store)
        self._clock = clock

    def create(self, purpose: Purpose, user_id: str, *, fits: str, address: str = "") -> str:
        """Make a link and return its token; see :data:`PATHS`."""
        token = secrets.token_urlsafe(32)
        link: StoredMailLink = {
            "_id": _hash(purpose, token),
            "user_id": user_id,
            "fits": fits,
            "expires_at": self._clock() + GOOD_FOR[purpose],
        }
        if address:
            link["address"] = address
        self.documents.insert_one(link)
        return token

    def find(self, purpose: Purpose, token: str) -> MailLink | None:
        """The link of a token; None if it is used, expired or none."""
        if not 0 < len(token) <= _LONGEST_TOKEN:
            return None
        alive = {"_id": _hash(purpose, token), "expires_at": {"$gt": self._clock()}}
        link = self.documents.find_one(alive)
        if link is None:
            return None
        return MailLink(user_id=link["user_id"], fits=link["fits"], address=link.get("address", ""))

    def use(self, purpose: Purpose, token: str) -> bool:
        """Use a link up; False if somebody has just done so."""
        return self.documents.delete_one({"_id": _hash(purpose, token)}).deleted_count == 1


def _hash(purpose: Purpose, token: str) -> str:
    return hashlib.sha256(f"{purpose}:{token}".encode(errors="replace")).hexdigest()
