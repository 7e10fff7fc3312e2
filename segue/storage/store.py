"""Segue's database, and the base class of the modules that own a collection.

A collection has one owner: a subclass of :class:`Collection` in the package of its subject. Only the owner
describes the collection's documents, writes its queries and names its indexes. Backup, export, forgetting
and the jobs' access rights follow from the class's declarations (:mod:`segue.collections` lists all owners),
and use its methods: an owner that keeps its documents in another database overrides them.
"""

from __future__ import annotations

import enum
import logging
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, ClassVar, Generic, TypeVar, cast, get_args, get_origin

from bson.codec_options import CodecOptions
from bson.raw_bson import RawBSONDocument
from pymongo import ASCENDING, ReplaceOne
from pymongo.client_session import ClientSession
from pymongo.collation import Collation
from pymongo.collection import Collection as PlainDocuments
from pymongo.database import Database
from pymongo.errors import BulkWriteError, PyMongoError

from segue.counted import counted
from segue.errors import SegueError
from segue.settings import Settings
from segue.storage import damaged
from segue.storage.documents import Documents
from segue.storage.gone import gone, named_by
from segue.storage.mongo import Document, connect, keep_for
from segue.storage.record_shapes import record_shape
from segue.storage.shapes import RecordShape

log = logging.getLogger(__name__)
RecordT = TypeVar("RecordT", bound=Mapping[str, Any])
Snapshot = ClientSession
"""A session that reads from one snapshot of MongoDB."""
_RAW = CodecOptions(document_class=RawBSONDocument)


def nothing_hidden() -> frozenset[str]:
    """Commands and the stream's own reads see all libraries."""
    return frozenset()


class Store:
    """A connection to Segue's database. Pass it on; only collection owners access its database."""

    def __init__(
        self, database: Database[Document], *, hidden_libraries: Callable[[], frozenset[str]] = nothing_hidden
    ) -> None:
        """`hidden_libraries` returns the libraries that the present visitor does not see."""
        self.database = database
        self.hidden_libraries = hidden_libraries

    @property
    def name(self) -> str:
        """The database's name."""
        return self.database.name

    def collection_names(self) -> list[str]:
        """The existing collections, without MongoDB's own."""
        names = self.database.list_collection_names()
        return sorted(name for name in names if not name.startswith("system."))


def open_store(settings: Settings) -> Store:
    """Connect to Segue's database.

    Raises
    ------
    SegueError
        The server cannot be reached, or refuses the user.
    """
    return Store(connect(settings.mongo))


class Job(enum.StrEnum):
    """A user of the database with specific rights; `./run.sh access create` creates them."""

    STREAM = "stream"
    DASHBOARD = "dashboard"
    CATALOGUE = "catalogue"
    """Ingest, features, embeddings, index."""
    OPERATOR = "operator"
    """Commands that an operator runs: models, experiments, recount, export, forgetting, backup, restore."""


class Right(enum.Flag):
    """A job's rights to a collection."""

    READ = enum.auto()
    """find"""
    WRITE = enum.auto()
    """find, insert, update, remove"""
    ERASE = enum.auto()
    """find, remove: for a listener who leaves"""
    APPEND = enum.auto()
    """find, insert: for a log, whose entries nobody changes"""
    INDEX = enum.auto()
    """Create indexes, and set the retention of documents."""


@dataclass(frozen=True, kw_only=True)
class Index:
    """An index of a collection; with `keep`, MongoDB removes documents whose date in the key is older."""

    keys: Sequence[tuple[str, int]]
    unique: bool = False
    keep: timedelta | None = None
    alphabet: str | None = None
    """As :attr:`segue.storage.keyset.Order.alphabet`."""

    @classmethod
    def on(cls, *names: str, unique: bool = False, keep: timedelta | None = None) -> Index:
        """Ascending by each of the fields."""
        return cls(keys=[(name, ASCENDING) for name in names], unique=unique, keep=keep)

    def is_made(self, stored: Mapping[str, Any] | None) -> bool:
        """Whether MongoDB's information on the index of the same keys, if there is one, is of this index."""
        seconds = None if self.keep is None else int(self.keep.total_seconds())
        return (
            stored is not None
            and stored.get("unique", False) == self.unique
            and stored.get("expireAfterSeconds") == seconds
        )


@dataclass(frozen=True, kw_only=True)
class Personal:
    """The fields that connect documents with a listener, for export and forgetting."""

    owner: tuple[str, ...] = ("_id",)
    """Fields with the id of the listener to whom a document belongs."""
    members: tuple[str, ...] = ()
    """Lists in others' documents that may name the listener."""
    secret: tuple[str, ...] = ()
    """Fields that are stored as a hash: they mean nothing to the listener and must not leave the server."""
    traces: Callable[[str, str | None], Document | None] | None = None
    """The filter of documents that name a listener only in their key, from the listener's id and the name of
    the account, if any. They are removed with the listener, and not exported."""


@dataclass(frozen=True, kw_only=True)
class Policy:
    """A collection's part in backup, export and forgetting, and the jobs' rights to it."""

    computed: bool = False
    """Jobs can rebuild it, or its contents are valid for a few days at most: backups leave it out."""
    personal: Personal | None = None
    """None if no document belongs to a listener."""
    log: bool = False
    """Documents are only added, under random ids, and stay for their time, even if a listener leaves."""
    access: Mapping[Job, Right] = field(default_factory=dict)


class Collection(Generic[RecordT]):
    """The owner of one collection; `RecordT` is a TypedDict of its documents."""

    name: ClassVar[str]
    policy: ClassVar[Policy]
    indexes: ClassVar[Sequence[Index]] = ()
    shapes: ClassVar[Sequence[type]] = ()
    """The TypedDicts of the documents, where `RecordT` does not name exactly one."""

    def __init__(self, store: Store) -> None:
        self._database = store.database
        self._hidden_libraries = store.hidden_libraries
        self.documents: Documents[RecordT] = Documents(
            store.database,
            self.name,
            shape_of=self.shape_of,
            set_aside=self._set_aside,
            written=self._check_written,
        )

    @classmethod
    def record(cls) -> type:
        """The TypedDict of the collection's documents."""
        for base in (base for one in cls.__mro__ for base in getattr(one, "__orig_bases__", ())):
            origin = get_origin(base)
            if isinstance(origin, type) and issubclass(origin, Collection):
                record = get_args(base)[0]
                if isinstance(record, type):  # a base of several owners has a type variable
                    return record
        return dict

    def shape_of(self, document: Mapping[str, Any]) -> RecordShape:
        """The shape that a document must have to be read: that of the collection's record."""
        return record_shape(self.record())

    def _set_aside(self, document_id: Any, reason: str, used: bool) -> None:
        personal = self.policy.personal
        damaged.keep(
            self._database,
            self.name,
            document_id,
            reason,
            used=used,
            personal=(*personal.owner, *personal.members) if personal else (),
            secret=personal.secret if personal else (),
        )

    def prepare(self) -> None:
        """Create the indexes that are missing or different; repeating it changes nothing.

        A collection with documents gets a new index in a thread: MongoDB serves it meanwhile, but the command
        only returns when the index is complete.
        """
        stored = {tuple(index["key"]): index for index in self.documents.index_information().values()}
        wanted = [index for index in self.indexes if not index.is_made(stored.get(tuple(index.keys)))]
        missing = [index for index in wanted if tuple(index.keys) not in stored and not index.unique]
        slow = missing if missing and not self.is_empty() else []
        for index in wanted:
            if index not in slow:
                self.make(index)
        if slow:
            log.info("%s: creating %s", self.name, counted(len(slow), "index", plural="indexes"))
            threading.Thread(
                target=self._make_all, args=(slow,), name=f"indexes of {self.name}", daemon=True
            ).start()

    def _make_all(self, indexes: Sequence[Index]) -> None:
        for index in indexes:
            try:
                self.make(index)
            except PyMongoError as error:
                log.warning("%s has no index on %s yet: %s", self.name, index.keys, error)

    # Export, forgetting and backup.

    def held_by(self, user_id: str) -> list[Document]:
        """A listener's documents, without secrets."""
        personal = self.policy.personal
        if personal is None or not personal.owner:
            return []
        return [
            {key: document[key] for key in document if key not in personal.secret}
            for document in self._plain.find(_owned_by(user_id, personal))
        ]

    def forget(self, user_id: str, *, account_name: str | None) -> int:
        """Remove a listener's documents, and the listener from lists in other listeners' documents.

        Parameters
        ----------
        account_name
            The name of the listener's account; None for a listener without one.

        Returns
        -------
        The number of removed documents.
        """
        personal = self.policy.personal
        if personal is None or self.policy.log:
            return 0
        documents, removed = self._plain, 0
        if personal.owner:
            removed += documents.delete_many(_owned_by(user_id, personal)).deleted_count
        for member in personal.members:
            documents.update_many({member: user_id}, {"$pull": {member: user_id}})
        if personal.traces and (traces := personal.traces(user_id, account_name)):
            removed += documents.delete_many(traces).deleted_count
        return removed

    def refuse_gone(self, user_ids: Set[str]) -> set[str]:
        """After a write: remove it if it was for listeners who have left; returns these.

        A removal stores a hash of the id, and then deletes documents. A write that is not seen by that
        deletion came after the hash, which is looked for after the write. So one of the two removes it,
        whatever runs at the same time.
        """
        left = gone(self._database, user_ids)
        for user_id in left:
            self.forget(user_id, account_name=None)
        return left

    def _check_written(self, parts: Sequence[Any]) -> None:
        """Each write of :attr:`documents` ends here."""
        personal = self.policy.personal
        if personal is not None and not self.policy.log:
            self.refuse_gone(named_by(parts, (*personal.owner, *personal.members)))

    def is_empty(self) -> bool:
        """Whether the collection has no documents."""
        return self.documents.find_one({}, {"_id": 1}) is None

    def dump(self, snapshot: Snapshot) -> Iterator[Mapping[str, Any]]:
        """All documents for a backup, with their `_id`."""
        collection = self._database.get_collection(self.name, codec_options=_RAW)
        return iter(cast(Any, collection).find({}, session=snapshot, batch_size=1000))

    def load(self, documents: Sequence[Document]) -> None:
        """Write documents of a backup; they replace those with the same `_id`.

        Raises
        ------
        SegueError
            A document conflicts with an existing one.
        """
        if not documents:
            return
        try:
            self._plain.bulk_write(
                [ReplaceOne({"_id": document["_id"]}, document, upsert=True) for document in documents],
                ordered=False,
            )
        except BulkWriteError as error:
            fault = error.details["writeErrors"][0]
            raise SegueError(
                f"{self.name}: {fault['errmsg']}: remove the document that conflicts with the archive"
            ) from None

    def intact(self, ids: Sequence[Any]) -> set[Any]:
        """Those ids under which a document is stored that fits its record in every field."""
        stored = self._plain.find({"_id": {"$in": list(ids)}})
        return {document["_id"] for document in stored if self.shape_of(document).fits(document)}

    def check_all(self) -> tuple[int, int]:
        """Set aside all damaged documents; returns the numbers of all documents and of damaged ones."""
        number = damaged_number = 0
        for document in self._plain.find():
            number += 1
            if self.documents.checked(document) is not document:
                damaged_number += 1
        return number, damaged_number

    # For the owners' own queries.

    def room(self, group: Document, *, most: int) -> bool:
        """Whether fewer than `most` documents fit the filter `group`."""
        return self.documents.count_documents(group, limit=most) < most

    def insert_within(self, document: RecordT, group: Document, *, most: int) -> bool:
        """Insert a document if at most `most` fit the filter `group` then; returns whether it was inserted.

        Several callers may find room at the same time. The last of them sees the documents of all, so more
        than `most` never remain. At the limit, callers at the same time may all be refused.
        """
        if not self.room(group, most=most):
            return False
        self.documents.insert_one(document)
        return self.stay_within(document["_id"], group, most=most)

    def upsert_within(self, document_id: Any, change: Document, group: Document, *, most: int) -> bool:
        """Change a document, or create it as :meth:`insert_within` does; returns whether it exists then."""
        if not self.room(group, most=most) and not self.documents.find_one({"_id": document_id}, {"_id": 1}):
            return False
        put = self.documents.update_one({"_id": document_id}, change, upsert=True)
        return put.upserted_id is None or self.stay_within(put.upserted_id, group, most=most)

    def stay_within(self, added: Any, group: Document, *, most: int) -> bool:
        """After an insertion: whether no more than `most` documents fit; otherwise the new one is removed."""
        if self.documents.count_documents(group, limit=most + 1) <= most:
            return True
        self.documents.delete_one({"_id": added})
        return False

    def aggregate(self, steps: Sequence[Document]) -> Iterator[Document]:
        """The results of an aggregation, which need not have the shape of the collection's documents."""
        return iter(self._plain.aggregate(list(steps)))

    def make(self, index: Index) -> None:
        """Create an index, or change the retention of an existing one."""
        if index.keep is None:
            alphabet = Collation(index.alphabet, strength=1) if index.alphabet else None
            self.documents.create_index(list(index.keys), unique=index.unique, collation=alphabet)
        else:
            (key, _), *_ = index.keys
            keep_for(self._database, self.name, key, index.keep)

    def distinct(self, field: str, wanted: Document | None = None) -> list[Any]:
        """The different values of a field. Unlike pymongo's `distinct`, the result may exceed 16 MB."""
        groups = self.aggregate([{"$match": wanted or {}}, {"$group": {"_id": f"${field}"}}])
        return [group["_id"] for group in groups]

    def texts(self, field: str, wanted: Document | None = None) -> list[str]:
        """The different texts in a field, ascending; other values are left out."""
        return sorted(value for value in self.distinct(field, wanted) if isinstance(value, str))

    @property
    def _plain(self) -> PlainDocuments[Document]:
        """The collection without checks, typed with plain documents."""
        return self._database[self.name]


def _owned_by(user_id: str, personal: Personal) -> Document:
    return {"$or": [{owner: user_id} for owner in personal.owner]}
