"""The collection `embeddings`: the vector of each track in each space.

Delivery: every write is by space and track id, so that an interrupted run can be repeated.
"""

from __future__ import annotations

from collections.abc import Collection as Names
from collections.abc import Iterable, Sequence
from typing import Annotated, NotRequired, TypedDict

import numpy as np

from segue.storage.mongo import UpdateOne, unpack
from segue.storage.records import PackedVector
from segue.storage.store import Collection, Index, Job, Policy, Right

_BATCH = 1000


class EmbeddingRecord(TypedDict):
    """The vector of a track in a space."""

    _id: str
    """"<space>:<track_id>"."""
    track_id: str
    """The track's id."""
    space: str
    """The version of the space."""
    vector: Annotated[bytes, PackedVector(finite=False)]
    """float32, little-endian."""
    features: NotRequired[str]
    """A digest of the descriptors that the vector was made from."""
    added: NotRequired[bool]
    """Whether the space was fitted without the track."""


class Embeddings(Collection[EmbeddingRecord]):
    """The tracks' vectors by space."""

    name = "embeddings"
    policy = Policy(
        computed=True,
        access={
            Job.STREAM: Right.READ,
            Job.DASHBOARD: Right.READ,
            Job.CATALOGUE: Right.WRITE | Right.INDEX,
            Job.OPERATOR: Right.WRITE,
        },
    )
    indexes = (Index.on("space", "added"),)

    def write(self, records: Iterable[EmbeddingRecord]) -> None:
        """Set the fields of each record by its id, in unordered bulks."""
        operations: list[UpdateOne] = []
        for record in records:
            fields = {key: value for key, value in record.items() if key != "_id"}
            operations.append(UpdateOne({"_id": record["_id"]}, {"$set": fields}, upsert=True))
            if len(operations) >= _BATCH:
                self.documents.bulk_write(operations, ordered=False)
                operations.clear()
        if operations:
            self.documents.bulk_write(operations, ordered=False)

    def vectors(self, space: str) -> dict[str, bytes]:
        """The vectors of a space by track id: float32, little-endian."""
        records = self.documents.find({"space": space}, {"track_id": 1, "vector": 1}, batch_size=10_000)
        return {record["track_id"]: record["vector"] for record in records}

    def vectors_of(self, track_ids: Sequence[str], *, space: str) -> dict[str, np.ndarray]:
        """(d,) float32 of those tracks that have a vector in the space."""
        ids = [f"{space}:{track_id}" for track_id in track_ids]
        records = self.documents.find({"_id": {"$in": ids}}, {"track_id": 1, "vector": 1})
        return {record["track_id"]: unpack(record["vector"]) for record in records}

    def digests(self, space: str) -> dict[str, str | None]:
        """By track id, the digest of the descriptors that the vector was made from."""
        records = self.documents.find({"space": space}, {"track_id": 1, "features": 1})
        return {record["track_id"]: record.get("features") for record in records}

    def out_of_sample(self, space: str) -> set[str]:
        """The ids of the tracks that the space was fitted without, stored as `added`."""
        records = self.documents.find({"space": space, "added": True}, {"track_id": 1})
        return {record["track_id"] for record in records}

    def track_ids(self) -> set[str]:
        """The ids of all tracks that have a vector in any space."""
        return set(self.texts("track_id"))

    def remove(self, track_ids: Iterable[str], *, space: str) -> None:
        """Remove tracks from a space."""
        self.documents.delete_many({"_id": {"$in": [f"{space}:{track_id}" for track_id in track_ids]}})

    def remove_all_but(self, spaces: Names[str]) -> None:
        """Remove the vectors of all spaces but these."""
        self.documents.delete_many({"space": {"$nin": list(spaces)}})
