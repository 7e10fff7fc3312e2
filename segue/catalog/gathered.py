"""Base of the collections that are computed from `tracks`: albums and artists.

Delivery: one document each, written by its id; writing it again changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, ClassVar, Generic, TypeVar, cast

from segue.catalog.part import Part
from segue.storage.mongo import Document, upsert
from segue.storage.store import Collection, Job, Policy, Right

RecordT = TypeVar("RecordT", bound=Mapping[str, Any])
OrderT = TypeVar("OrderT", bound=str)
Weighted = tuple[str, float]
"""A text that the search matches, and its weight, 0 to 1."""


class Gathered(Collection[RecordT], Generic[RecordT, OrderT]):
    """Documents computed from tracks, replaced in parts, and listed in several orders."""

    policy = Policy(
        computed=True,
        access={
            Job.CATALOGUE: Right.WRITE | Right.INDEX,
            Job.DASHBOARD: Right.READ | Right.INDEX,
            Job.OPERATOR: Right.READ,
        },
    )
    orders: ClassVar[Mapping[str, Sequence[tuple[str, int]]]]
    """The orders of lists by name; an index serves each."""
    texts: ClassVar[Mapping[str, float]]
    """The fields that the search matches, with their weights."""
    found_first: ClassVar[str]
    """The order of equally good matches."""

    def replace(self, wanted: Iterable[str], documents: Iterable[RecordT]) -> None:
        """Store documents, and remove those of the wanted ids that are not among them."""
        found = list(documents)
        upsert(self.documents, found)
        gone = set(wanted) - {document["_id"] for document in found}
        self.documents.delete_many({"_id": {"$in": sorted(gone)}})

    def clear(self) -> None:
        """Remove all documents, to gather them again."""
        self.documents.delete_many({})

    def get(self, key: str) -> RecordT | None:
        """A document by its id; None if there is none."""
        return self.documents.find_one({"_id": key})

    def several(self, keys: Iterable[str]) -> list[RecordT]:
        """The known ones among the documents, in the order of the ids."""
        ids = list(dict.fromkeys(keys))
        known = {document["_id"]: document for document in self.documents.find({"_id": {"$in": ids}})}
        return [known[key] for key in ids if key in known]

    def page(self, *, by: OrderT, limit: int, after: int = 0) -> Part[RecordT]:
        """A page of all documents: at most `limit`, without the first `after` ones."""
        found = self.documents.find().sort(list(self.orders[by])).skip(after).limit(limit)
        return Part(found, total=self.count())

    def count(self) -> int:
        """The number of documents."""
        return self.documents.estimated_document_count()

    def searchable(self) -> Iterator[tuple[str, list[Weighted]]]:
        """The ids of all documents with the texts that the search matches."""
        order = list(self.orders[self.found_first])
        for document in self.documents.find({}, dict.fromkeys(self.texts, 1), batch_size=10_000).sort(order):
            found = cast(Document, document)
            yield found["_id"], [(str(found.get(name) or ""), weight) for name, weight in self.texts.items()]
