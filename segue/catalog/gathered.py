"""Base of the collections that are computed from `tracks`: albums and artists.

Delivery: one document each, written by its id; writing it again changes nothing but the time.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, ClassVar, Generic, TypeVar, cast

from segue.storage.keyset import Order, Page, Place, in_order, page_of
from segue.storage.mongo import DESCENDING, Document, upsert
from segue.storage.store import Collection, Index, Job, Policy, Right, Store

RecordT = TypeVar("RecordT", bound=Mapping[str, Any])
OrderT = TypeVar("OrderT", bound=str)
Revision = tuple[int, datetime | None]
"""The number of documents, and when the newest of them was gathered."""


class GatheredCollection(Collection[RecordT], ABC, Generic[RecordT, OrderT]):
    """Documents that are computed from tracks, replaced in parts, and listed in several orders."""

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
    library_field: ClassVar[str]
    """The field with the library, or with all libraries, of a document."""
    searched: ClassVar[Mapping[str, float]]
    """The fields that the search matches, with their weights, 0 to 1."""
    found_first: ClassVar[str]
    """The order of equally good matches."""

    def __init__(self, store: Store) -> None:
        super().__init__(store)
        self._counted: dict[frozenset[str], tuple[Revision, int]] = {}

    # Written when tracks change.

    def replace(self, wanted: Iterable[str], documents: Iterable[RecordT]) -> None:
        """Store documents, and remove those of the wanted ids that are not among them."""
        now, found = datetime.now(UTC), list(documents)
        upsert(self.documents, ({**document, "gathered_at": now} for document in found))
        gone = set(wanted) - {document["_id"] for document in found}
        self.documents.delete_many({"_id": {"$in": sorted(gone)}})

    def clear(self) -> None:
        """Remove all documents, to gather them again."""
        self.documents.delete_many({})

    def stored(self, ids: Iterable[str]) -> list[RecordT]:
        """The known ones among the documents, of all libraries."""
        return list(self.documents.find({"_id": {"$in": sorted(set(ids))}}))

    # Shown to visitors, without hidden libraries.

    @abstractmethod
    def outside(self, libraries: Sequence[str]) -> Document:
        """A filter of the documents that are not in these libraries only."""

    def shown(self, document: RecordT) -> RecordT:
        """A document as the present visitor sees it."""
        return document

    def visible(self, wanted: Document) -> Document:
        """A filter of documents without those that the present visitor does not see."""
        hidden = self.hidden_libraries()
        return {**wanted, **self.outside(sorted(hidden))} if hidden else wanted

    def hidden_libraries(self) -> frozenset[str]:
        """The libraries that the present visitor does not see."""
        return self._hidden_libraries()

    def get(self, document_id: str) -> RecordT | None:
        """A document by its id; None if the visitor sees none."""
        found = self.documents.find_one(self.visible({"_id": document_id}))
        return self.shown(found) if found else None

    def several(self, ids: Iterable[str]) -> list[RecordT]:
        """The documents with these ids that the visitor sees, in the order of the ids."""
        wanted = list(dict.fromkeys(ids))
        found = self.documents.find(self.visible({"_id": {"$in": wanted}}))
        known = {document["_id"]: self.shown(document) for document in found}
        return [known[own] for own in wanted if own in known]

    def page(
        self, *, by: OrderT, limit: int, after: Place | None = None, backwards: bool = False
    ) -> Page[RecordT]:
        """A page of all documents, as :func:`segue.storage.keyset.page_of`."""
        order = Order(self.orders[by])
        found = page_of(
            self.documents, self.visible({}), order=order, limit=limit, after=after, backwards=backwards
        )
        return Page(map(self.shown, found), more=found.more)

    def among(self, ids: Iterable[str], *, by: OrderT, backwards: bool = False) -> list[RecordT]:
        """The documents with these ids that the visitor sees, in an order."""
        return in_order(self.several(ids), Order(self.orders[by]), backwards=backwards)

    def count(self) -> int:
        """The number of documents that the present visitor sees.

        For hidden libraries, MongoDB counts the documents one by one: 25 ms for 20,000 artists. The result is
        kept until the documents change.
        """
        hidden = self.hidden_libraries()
        if not hidden:
            return self._number()
        revision = self.revision()
        counted = self._counted.get(hidden)
        if counted is None or counted[0] != revision:
            counted = revision, self.documents.count_documents(self.visible({}))
            self._counted[hidden] = counted
        return counted[1]

    # The search.

    def searchable(self) -> Iterator[tuple[str, list[tuple[str, float]]]]:
        """The ids of all documents, with the texts that the search matches and their weights."""
        order, fields = list(self.orders[self.found_first]), dict.fromkeys(self.searched, 1)
        for document in self.documents.find({}, fields, batch_size=10_000).sort(order):
            found = cast(Document, document)
            weighted = [(str(found.get(name) or ""), weight) for name, weight in self.searched.items()]
            yield found["_id"], weighted

    def ids_in(self, libraries: Sequence[str]) -> list[str]:
        """The documents that are in these libraries only."""
        # No index serves the second condition.
        wanted = {self.library_field: {"$in": list(libraries)}, "$nor": [self.outside(libraries)]}
        found = self.documents.find(wanted, {"_id": 1}, batch_size=10_000)
        return [document["_id"] for document in found]

    def revision(self) -> Revision:
        """A value that changes with the documents."""
        newest = self.documents.find_one({}, {"gathered_at": 1}, sort=[("gathered_at", DESCENDING)])
        return self._number(), newest.get("gathered_at") if newest else None

    def _number(self) -> int:
        return self.documents.estimated_document_count()


GATHERED_AT = Index(keys=[("gathered_at", DESCENDING)])
"""Serves :meth:`GatheredCollection.revision`."""
