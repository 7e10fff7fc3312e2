"""A collection whose queries return only documents that fit its record, and whose owner sees each write.

Other documents are set aside (:mod:`segue.storage.damaged`), and the query continues without them, or with
the part of them that fits.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar, cast

from pymongo.collection import Collection as PlainCollection
from pymongo.cursor import Cursor
from pymongo.database import Database
from pymongo.errors import OperationFailure
from pymongo.results import BulkWriteResult, InsertManyResult, InsertOneResult, UpdateResult

from segue.storage.shapes import UNFIT, RecordShape, fault_of

RecordT = TypeVar("RecordT", bound=Mapping[str, Any])
Projection = Mapping[str, Any]
SetAside = Callable[[Any, str, bool], None]
"""Called with the id of a damaged document, its faults, and whether the rest of it is used."""
Written = Callable[[Sequence[Any]], None]
"""Called after a write that the server has answered, with its documents, filters, changes or operations."""


class Documents(PlainCollection[RecordT]):
    """A pymongo collection that checks the documents that `find` and `find_one` return.

    The results of aggregations are not documents of the collection and are not checked.
    """

    def __init__(
        self,
        database: Database[Any],
        name: str,
        *,
        shape_of: Callable[[Mapping[str, Any]], RecordShape],
        set_aside: SetAside,
        written: Written,
    ) -> None:
        """`shape_of` gives the shape of the record that describes a document."""
        super().__init__(database, name)
        self._shape_of, self._set_aside, self._tell = shape_of, set_aside, written
        self._projected: dict[tuple[int, tuple[str, ...], bool], RecordShape] = {}

    def find(self, *args: Any, **kwargs: Any) -> Cursor[RecordT]:
        """As pymongo's; the cursor leaves out documents that do not fit."""
        return _CheckedCursor(self, *args, **kwargs)

    @contextmanager
    def _telling(self, *parts: Any) -> Iterator[None]:
        try:
            yield
        except OperationFailure:  # the server answers, and a part of a bulk may have been written
            self._tell(parts)
            raise
        self._tell(parts)

    def insert_one(self, document: Any, *args: Any, **kwargs: Any) -> InsertOneResult:
        with self._telling(document):
            return super().insert_one(document, *args, **kwargs)

    def insert_many(self, documents: Any, *args: Any, **kwargs: Any) -> InsertManyResult:
        several = list(documents)
        with self._telling(several):
            return super().insert_many(several, *args, **kwargs)

    def replace_one(self, filter: Any, replacement: Any, *args: Any, **kwargs: Any) -> UpdateResult:
        with self._telling(filter, replacement):
            return super().replace_one(filter, replacement, *args, **kwargs)

    def update_one(self, filter: Any, update: Any, *args: Any, **kwargs: Any) -> UpdateResult:
        with self._telling(filter, update):
            return super().update_one(filter, update, *args, **kwargs)

    def update_many(self, filter: Any, update: Any, *args: Any, **kwargs: Any) -> UpdateResult:
        with self._telling(filter, update):
            return super().update_many(filter, update, *args, **kwargs)

    def find_one_and_update(self, filter: Any, update: Any, *args: Any, **kwargs: Any) -> Any:
        with self._telling(filter, update):
            return super().find_one_and_update(filter, update, *args, **kwargs)

    def find_one_and_replace(self, filter: Any, replacement: Any, *args: Any, **kwargs: Any) -> Any:
        with self._telling(filter, replacement):
            return super().find_one_and_replace(filter, replacement, *args, **kwargs)

    def bulk_write(self, requests: Any, *args: Any, **kwargs: Any) -> BulkWriteResult:
        several = list(requests)
        with self._telling(several):
            return super().bulk_write(several, *args, **kwargs)

    def checked(
        self, document: Mapping[str, Any] | None, projection: Projection | None = None
    ) -> RecordT | None:
        """The document, or the part of it that fits; None if it is not usable.

        Parameters
        ----------
        projection
            The fields with which it was read; all by default.
        """
        if document is None:
            return None
        return self.checked_by(self._shape(document, projection), document)

    def checked_by(self, shape: RecordShape, document: Mapping[str, Any]) -> RecordT | None:
        """The document, or the part of it that fits a shape; None if it is not usable."""
        if shape.fits(document):
            return cast("RecordT", document)
        part, reason = fault_of(shape, document)
        self._set_aside(document.get("_id"), reason, part is not UNFIT)
        return None if part is UNFIT else cast("RecordT", part)

    def _shape(self, document: Mapping[str, Any], projection: Projection | None) -> RecordShape:
        return self.projected(self.whole_shape(document), projection)

    def whole_shape(self, document: Mapping[str, Any]) -> RecordShape:
        """The shape of a document with all its fields."""
        return self._shape_of(document)

    def projected(self, whole: RecordShape, projection: Projection | None) -> RecordShape:
        """A shape as a query with a projection returns it."""
        if projection is None:
            return whole
        shown = {name: value for name, value in projection.items() if name != "_id"}
        without = not any(shown.values()) and (bool(shown) or not projection.get("_id", True))
        names = list(shown) if without else [name for name, value in shown.items() if value in (1, True)]
        if projection.get("_id", True) != without:
            names.append("_id")
        key = (id(whole), tuple(names), without)
        if key not in self._projected:
            self._projected[key] = whole.projected(names, without=without)
        return self._projected[key]


class _CheckedCursor(Cursor[RecordT]):
    """Skips documents that are not usable."""

    def __init__(
        self,
        collection: Documents[RecordT],
        filter: Any = None,
        projection: Any = None,
        *args: Any,
        **kwargs: Any,
    ) -> None:
        super().__init__(collection, filter, projection, *args, **kwargs)
        self._checks = collection
        self._asked: Projection | None = (
            projection
            if projection is None or isinstance(projection, Mapping)
            else dict.fromkeys(projection, 1)
        )
        self._whole: RecordShape | None = None
        self._shown: RecordShape | None = None

    def next(self) -> RecordT:
        while True:
            found = super().next()
            whole = self._checks.whole_shape(found)
            if self._shown is None or whole is not self._whole:
                self._whole, self._shown = whole, self._checks.projected(whole, self._asked)
            document = self._checks.checked_by(self._shown, found)
            if document is not None:
                return document

    __next__ = next
