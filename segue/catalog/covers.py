"""Cover pictures: the collection `covers`.

Delivery: the key of a picture is its checksum, so that writing it again changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypedDict

from segue.catalog.cover_art import Cover
from segue.storage.mongo import upsert
from segue.storage.store import Collection, Job, Policy, Right

_PER_WRITE = 64
"""Pictures are large."""


class CoverPicture(TypedDict):
    """A document of `covers`."""

    _id: str
    """SHA-256 of the original picture."""
    type: str
    """Media type."""
    data: bytes
    """The picture, in the format of `type`."""


class Covers(Collection[CoverPicture]):
    """The tracks' cover pictures."""

    name = "covers"
    policy = Policy(computed=True, access={Job.CATALOGUE: Right.WRITE, Job.DASHBOARD: Right.READ})

    def write(self, covers: Iterable[Cover]) -> None:
        """Store pictures."""
        documents = ({"_id": cover.cover_id, "type": "image/jpeg", "data": cover.data} for cover in covers)
        upsert(self.documents, documents, batch=_PER_WRITE)

    def read(self, cover_id: str) -> CoverPicture | None:
        """A picture with its media type."""
        return self.documents.find_one({"_id": cover_id}, {"type": 1, "data": 1})

    def pictures(self, cover_ids: Iterable[str]) -> list[bytes]:
        """Pictures in the order of their ids; unknown ids are skipped."""
        ids = list(cover_ids)
        entries = self.documents.find({"_id": {"$in": ids}}, {"data": 1})
        known = {entry["_id"]: bytes(entry["data"]) for entry in entries}
        return [known[cover_id] for cover_id in ids if cover_id in known]
