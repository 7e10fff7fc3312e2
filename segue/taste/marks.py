"""Stars on albums and artists, and ratings of tracks, albums and artists.

A star on a track is a like (:mod:`segue.taste.opinions`), since it says something about taste. A star on an
album or artist, and a rating, are bookmarks that only their listener sees.

Delivery: one document for each listener and object; writing it again changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Annotated, Literal, NotRequired, TypedDict, get_args

from segue.storage.mongo import DESCENDING, UpdateOne
from segue.storage.records import Between
from segue.storage.store import Collection, Index, Job, Personal, Policy, Right

MarkKind = Literal["track", "album", "artist"]
KINDS: tuple[MarkKind, ...] = get_args(MarkKind)
BEST = 5
"""The highest rating; 1 is the lowest."""
_MOST = 5000


class Mark(TypedDict):
    """A document of `marks`."""

    _id: str
    """"<user id>:<kind>:<key>"."""
    user_id: str
    """The listener's id."""
    kind: MarkKind
    """Kind of the object."""
    key: str
    """Id of the track or album, or key of the artist."""
    starred_at: NotRequired[datetime | None]
    """When the listener gave a star; none without one."""
    rating: NotRequired[Annotated[int, Between(1, BEST)] | None]
    """The rating, 1 to 5; none without one."""


class Marks(Collection[Mark]):
    """All listeners' stars and ratings."""

    name = "marks"
    policy = Policy(
        personal=Personal(owner=("user_id",)),
        access={Job.DASHBOARD: Right.WRITE | Right.INDEX, Job.OPERATOR: Right.WRITE},
    )
    indexes = (
        Index(keys=[("user_id", 1), ("kind", 1), ("starred_at", DESCENDING)]),
        Index(keys=[("user_id", 1), ("kind", 1), ("rating", DESCENDING)]),
    )

    def star(self, user_id: str, objects: Iterable[tuple[MarkKind, str]]) -> None:
        """Give stars to objects; one that has a star keeps its date."""
        at = datetime.now(UTC)
        # A pipeline, since the date of a former star stays.
        self._write(
            UpdateOne(
                {"_id": _id(user_id, kind, key)},
                [
                    {
                        "$set": {
                            "user_id": {"$literal": user_id},
                            "kind": kind,
                            "key": {"$literal": key},
                            "starred_at": {"$ifNull": ["$starred_at", at]},
                        }
                    }
                ],
                upsert=True,
            )
            for kind, key in objects
        )

    def unstar(self, user_id: str, objects: Iterable[tuple[MarkKind, str]]) -> None:
        """Take stars back."""
        self._write(
            UpdateOne({"_id": _id(user_id, kind, key)}, {"$unset": {"starred_at": ""}})
            for kind, key in objects
        )

    def rate(self, user_id: str, kind: MarkKind, key: str, rating: int | None) -> None:
        """Set a rating, 1 to 5; None removes it."""
        own = {"user_id": user_id, "kind": kind, "key": key}
        change = {"$set": {**own, "rating": rating}} if rating else {"$unset": {"rating": ""}}
        self._write([UpdateOne({"_id": _id(user_id, kind, key)}, change, upsert=bool(rating))])

    def of(self, user_id: str, kind: MarkKind, keys: Iterable[str]) -> dict[str, Mark]:
        """A listener's marks on some objects, by key."""
        ids = [_id(user_id, kind, key) for key in dict.fromkeys(keys)]
        return {mark["key"]: mark for mark in self.documents.find({"_id": {"$in": ids}})}

    def starred(self, user_id: str, kind: MarkKind) -> list[Mark]:
        """A listener's starred objects of a kind, the newest star first."""
        own = {"user_id": user_id, "kind": kind, "starred_at": {"$type": "date"}}
        return list(self.documents.find(own).sort("starred_at", DESCENDING).limit(_MOST))

    def rated(self, user_id: str, kind: MarkKind) -> list[Mark]:
        """A listener's rated objects of a kind, the highest rating first."""
        own = {"user_id": user_id, "kind": kind, "rating": {"$type": "number"}}
        return list(self.documents.find(own).sort([("rating", DESCENDING), ("_id", 1)]).limit(_MOST))

    def _write(self, updates: Iterable[UpdateOne]) -> None:
        found = list(updates)
        if found:
            self.documents.bulk_write(found, ordered=False)


def _id(user_id: str, kind: MarkKind, key: str) -> str:
    return f"{user_id}:{kind}:{key}"
