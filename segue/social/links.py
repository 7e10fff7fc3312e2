"""Share links: anybody with a link can see one item of a listener, until it expires or is revoked.

The URL has 192 random bits; the database has only their hash. A copy of the database therefore opens no link,
and a link can be shown in full only when it is created.

Delivery: each call is one write; a link that is one too many is removed again. Repeating a revocation changes
nothing.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal, TypedDict, get_args

from segue.clock import now
from segue.phrases import phrase
from segue.storage.mongo import DESCENDING
from segue.storage.records import Count
from segue.storage.store import Collection, Index, Job, Personal, Policy, Right, Store

Kind = Literal["track", "album", "songs", "playlist", "month"]
KINDS: tuple[Kind, ...] = get_args(Kind)
_LONGEST_TOKEN = 64
MOST = 500
"""The maximum number of valid links per listener."""


class SharingError(ValueError):
    """Sharing, following or changing failed; the message is for the listener."""


@dataclass(frozen=True)
class Link:
    """A share link, for its owner and for guests."""

    link_id: str
    """Identifies the link for its owner; it does not open the link."""
    owner: str
    kind: Kind
    key: str
    """The id of the track, album or playlist, the ids of songs with spaces between them, or the month."""
    title: str
    playable: bool
    """Whether guests may also play it."""
    created_at: datetime
    expires_at: datetime | None
    opened: int


class StoredLink(TypedDict):
    """A document of `share_links`."""

    _id: str
    """The hash of the token."""
    owner: str
    """Id of the listener who shares."""
    kind: Kind
    """Kind of the shared object."""
    key: str
    """The track's, album's or playlist's id, the ids of songs, or the month."""
    title: str
    """Title that the shared page shows."""
    playable: bool
    """Whether the page plays the music."""
    created_at: datetime
    """When the link was created."""
    expires_at: datetime | None
    """When MongoDB removes the link; none: never."""
    opened: Count
    """How many times the link was opened."""


class ShareLinks(Collection[StoredLink]):
    """Creates, opens and revokes links; MongoDB removes expired ones."""

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
        """Create a link and return its token; with `good_for` None it is valid until it is revoked.

        Raises
        ------
        SharingError
            The kind is unknown, or the owner has too many links.
        """
        if kind not in KINDS:
            raise SharingError(f"A {kind} cannot be shared.")
        token = secrets.token_urlsafe(24)
        created = self._clock()
        link: StoredLink = {
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
        if not self.insert_within(link, {"owner": owner}, most=MOST):
            raise SharingError(phrase("You have {most} links. Revoke some first.", most=MOST))
        return token

    def open(self, token: str, *, count: bool = False) -> Link | None:
        """The link of a token; None if it is unknown, expired or revoked."""
        if not token or len(token) > _LONGEST_TOKEN:
            return None
        alive = {"_id": _hash(token), "$or": [{"expires_at": None}, {"expires_at": {"$gt": self._clock()}}]}
        document = self.documents.find_one(alive)
        if document is None:
            return None
        if count:
            self.documents.update_one(
                {**alive, "opened": {"$type": "number", "$not": {"$type": "array"}}}, {"$inc": {"opened": 1}}
            )
        return _link(document)

    def of(self, owner: str) -> list[Link]:
        """A listener's valid links, newest first."""
        alive = {"owner": owner, "$or": [{"expires_at": None}, {"expires_at": {"$gt": self._clock()}}]}
        return [_link(document) for document in self.documents.find(alive).sort("created_at", DESCENDING)]

    def change(
        self, owner: str, link_id: str, *, title: str | None = None, good_for: timedelta | None = None
    ) -> None:
        """Change the title, or the time of expiry, counted from now; None leaves each."""
        change = {
            **({} if title is None else {"title": title}),
            **({} if good_for is None else {"expires_at": self._clock() + good_for}),
        }
        if change:
            self.documents.update_one({"_id": link_id, "owner": owner}, {"$set": change})

    def revoke(self, owner: str, link_id: str) -> bool:
        """Revoke a link; False if the owner has no such link."""
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
