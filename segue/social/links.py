"""Share links: whoever has one may see one thing of a listener's, until it expires or is taken back.

The address holds 192 random bits; the database holds their hash, so that a copy of it opens nothing, and a
link can be shown in full only when it is made.

Delivery: each call is one write; revoking twice is the same as once.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal, get_args

from pymongo.database import Database

from segue.storage.mongo import Document

Kind = Literal["track", "playlist", "month"]
KINDS: tuple[Kind, ...] = get_args(Kind)
_LONGEST_TOKEN = 64
MOST = 500
"""Links that one listener may have at a time."""


class SharingError(ValueError):
    """Why something cannot be shared, followed or changed, in words for the listener."""


@dataclass(frozen=True)
class Link:
    """What a share link opens."""

    link_id: str
    """Names the link to its owner; it opens nothing."""
    owner: str
    kind: Kind
    key: str
    """The track's or playlist's id; or which month."""
    title: str
    playable: bool
    """Whether a guest may also hear it."""
    created_at: datetime
    expires_at: datetime | None
    opened: int


def now() -> datetime:
    return datetime.now(UTC)


class ShareLinks:
    """Makes, opens and takes back links."""

    def __init__(self, database: Database[Document], *, clock: Callable[[], datetime] = now) -> None:
        self._links, self._clock = database.share_links, clock

    def create(
        self,
        owner: str,
        kind: Kind,
        key: str,
        *,
        title: str,
        playable: bool = False,
        good_for: timedelta | None = None,
    ) -> str:
        """Make a link and return its token; `good_for` None means until it is taken back.

        Raises
        ------
        SharingError
            The kind is none, or the owner has too many links.
        """
        if kind not in KINDS:
            raise SharingError(f"A {kind} cannot be shared.")
        if self._links.count_documents({"owner": owner}, limit=MOST) >= MOST:
            raise SharingError(f"You have {MOST} links: take some back first.")
        token = secrets.token_urlsafe(24)
        created = self._clock()
        self._links.insert_one(
            {
                "_id": _hash(token),
                "owner": owner,
                "kind": kind,
                "key": key,
                "title": title,
                "playable": playable,
                "created_at": created,
                "expires_at": created + good_for if good_for else None,
                "opened": 0,
            }
        )
        return token

    def open(self, token: str, *, count: bool = False) -> Link | None:
        """What a token opens; None for one that was never made, has expired or was taken back."""
        if not token or len(token) > _LONGEST_TOKEN:
            return None
        alive = {"_id": _hash(token), "$or": [{"expires_at": None}, {"expires_at": {"$gt": self._clock()}}]}
        if count:
            found = self._links.find_one_and_update(alive, {"$inc": {"opened": 1}})
        else:
            found = self._links.find_one(alive)
        return _link(found) if found else None

    def of(self, owner: str) -> list[Link]:
        """A listener's links that are good, the newest first."""
        alive = {"owner": owner, "$or": [{"expires_at": None}, {"expires_at": {"$gt": self._clock()}}]}
        return [_link(one) for one in self._links.find(alive).sort("created_at", -1)]

    def revoke(self, owner: str, link_id: str) -> bool:
        """Take back a link; False when the owner has no such link."""
        return self._links.delete_one({"_id": link_id, "owner": owner}).deleted_count == 1


def _link(found: Document) -> Link:
    return Link(
        link_id=found["_id"],
        owner=found["owner"],
        kind=found["kind"],
        key=found["key"],
        title=found["title"],
        playable=found["playable"],
        created_at=found["created_at"],
        expires_at=found["expires_at"],
        opened=found["opened"],
    )


def _hash(token: str) -> str:
    return hashlib.sha256(f"share:{token}".encode()).hexdigest()
