"""Share links: everybody with a link may see one thing of a listener's, until it expires or is revoked.

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
from typing import Literal, TypedDict, get_args

from segue.storage.mongo import DESCENDING
from segue.storage.store import Collection, Index, Job, Personal, Policy, Right, Store

Kind = Literal["track", "playlist", "month"]
KINDS: tuple[Kind, ...] = get_args(Kind)
_LONGEST_TOKEN = 64
MOST = 500
"""Links that one listener may have at a time."""


class SharingError(ValueError):
    """Why something cannot be shared, followed or changed, in words for the listener."""


@dataclass(frozen=True)
class Link:
    """A share link, as its owner and a guest see it."""

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


class StoredLink(TypedDict):
    """A link as it is stored."""

    _id: str
    """The token's hash."""
    owner: str
    """Id of the listener who shares."""
    kind: Kind
    """Kind of the shared object."""
    key: str
    """The track's or playlist's id, or the month."""
    title: str
    """Title that the shared page shows."""
    playable: bool
    """Whether the page plays the music."""
    created_at: datetime
    """When the link was created."""
    expires_at: datetime | None
    """When MongoDB removes the link; none: never."""
    opened: int
    """How many times the link was opened."""


def now() -> datetime:
    return datetime.now(UTC)


class ShareLinks(Collection[StoredLink]):
    """Makes, opens and takes back links; MongoDB removes those that have expired."""

    name = "share_links"
    policy = Policy(
        personal=Personal(owner=("owner",), secret=("_id",)),
        access={Job.DASHBOARD: Right.WRITE | Right.INDEX, Job.OPERATOR: Right.WRITE},
    )
    indexes = (Index.on("expires_at", keep=timedelta()), Index.on("owner"))

    def __init__(self, store: Store, *, clock: Callable[[], datetime] = now) -> None:
        super().__init__(store)
        self._clock = clock

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
        if self.documents.count_documents({"owner": owner}, limit=MOST) >= MOST:
            raise SharingError(f"You have {MOST} links: take some back first.")
        token = secrets.token_urlsafe(24)
        created = self._clock()
        self.documents.insert_one(
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
        """The link of a token; None for one that was never made, has expired or was taken back."""
        if not token or len(token) > _LONGEST_TOKEN:
            return None
        alive = {"_id": _hash(token), "$or": [{"expires_at": None}, {"expires_at": {"$gt": self._clock()}}]}
        if count:
            document = self.documents.find_one_and_update(alive, {"$inc": {"opened": 1}})
        else:
            document = self.documents.find_one(alive)
        return _link(document) if document else None

    def of(self, owner: str) -> list[Link]:
        """A listener's links that are good, the newest first."""
        alive = {"owner": owner, "$or": [{"expires_at": None}, {"expires_at": {"$gt": self._clock()}}]}
        return [_link(document) for document in self.documents.find(alive).sort("created_at", DESCENDING)]

    def revoke(self, owner: str, link_id: str) -> bool:
        """Take back a link; False when the owner has no such link."""
        return self.documents.delete_one({"_id": link_id, "owner": owner}).deleted_count == 1


def _link(document: StoredLink) -> Link:
    return Link(
        link_id=document["_id"],
        owner=document["owner"],
        kind=document["kind"],
        key=document["key"],
        title=document["title"],
        playable=document["playable"],
        created_at=document["created_at"],
        expires_at=document["expires_at"],
        opened=document["opened"],
    )


def _hash(token: str) -> str:
    return hashlib.sha256(f"share:{token}".encode()).hexdigest()
