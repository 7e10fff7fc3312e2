"""Segue's database as the rest of the code holds it, and the base class of the modules that own a collection.

A collection has one owner: a subclass of :class:`Collection` in the package of its subject. Only there are
its documents described, its queries written and its indexes named. Backup, export, forgetting and the jobs'
access rights follow from what the class declares (:mod:`segue.collections` lists all owners), and go through
its methods: an owner that keeps its documents in another database overrides them.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, ClassVar, Generic, TypeVar, cast

from bson.codec_options import CodecOptions
from bson.raw_bson import RawBSONDocument
from pymongo import ASCENDING, ReplaceOne
from pymongo.client_session import ClientSession
from pymongo.collection import Collection as Documents
from pymongo.database import Database
from pymongo.errors import BulkWriteError

from segue.errors import SegueError
from segue.settings import Settings
from segue.storage.mongo import Document, connect, keep_for

RecordT = TypeVar("RecordT", bound=Mapping[str, Any])
Snapshot = ClientSession
"""MongoDB as of one moment."""
_RAW = CodecOptions(document_class=RawBSONDocument)


class Store:
    """A connection to Segue's database. Pass it on; only the owner of a collection looks inside."""

    def __init__(self, database: Database[Document]) -> None:
        self.database = database

    @property
    def name(self) -> str:
        """The database's name."""
        return self.database.name

    def collection_names(self) -> list[str]:
        """The collections that are there, without MongoDB's own."""
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
    """A user of the database with rights of its own; `./run.sh access create` makes them."""

    STREAM = "stream"
    DASHBOARD = "dashboard"
    CATALOGUE = "catalogue"
    """Ingest, features, embeddings, index."""
    OPERATOR = "operator"
    """What is run by hand: models, experiments, recount, export, forgetting, backup, restore."""


class Right(enum.Flag):
    """What a job may do with a collection."""

    READ = enum.auto()
    """find"""
    WRITE = enum.auto()
    """find, insert, update, remove"""
    ERASE = enum.auto()
    """find, remove: for a listener who leaves"""
    INDEX = enum.auto()
    """Make indexes, and say for how long documents are kept."""


@dataclass(frozen=True, kw_only=True)
class Index:
    """An index of a collection; `keep` lets MongoDB remove documents whose date in the key is older."""

    keys: Sequence[tuple[str, int]]
    unique: bool = False
    keep: timedelta | None = None

    @classmethod
    def on(cls, *names: str, unique: bool = False, keep: timedelta | None = None) -> Index:
        """Ascending by each of the fields."""
        return cls(keys=[(name, ASCENDING) for name in names], unique=unique, keep=keep)


@dataclass(frozen=True, kw_only=True)
class Personal:
    """How the documents of one listener are found: for export, and for forgetting."""

    owner: tuple[str, ...] = ("_id",)
    """Fields that hold the id of the listener to whom a document belongs."""
    members: tuple[str, ...] = ()
    """Lists in others' documents that may name the listener."""
    secret: tuple[str, ...] = ()
    """Fields that are kept as a hash: they say nothing to the listener and must not leave the server."""
    traces: Callable[[str, str | None], Document | None] | None = None
    """The filter of documents that name a listener in their key alone, from the listener's id and the name of
    the account, if there is one. They are removed with the listener, but are nothing to export."""


@dataclass(frozen=True, kw_only=True)
class Policy:
    """A collection's part in backup, export and forgetting, and who may do what with it."""

    computed: bool = False
    """Jobs make it again, or it is good for a few days at most: it is left out of backups."""
    personal: Personal | None = None
    """None where no document belongs to a listener."""
    access: Mapping[Job, Right] = field(default_factory=dict)


class Collection(Generic[RecordT]):
    """The owner of one collection; `RecordT` is a TypedDict of its documents."""

    name: ClassVar[str]
    policy: ClassVar[Policy]
    indexes: ClassVar[Sequence[Index]] = ()

    def __init__(self, store: Store) -> None:
        self._database = store.database
        self.documents: Documents[RecordT] = cast("Documents[RecordT]", store.database[self.name])

    def prepare(self) -> None:
        """Make the indexes; making them again changes nothing."""
        for index in self.indexes:
            self.make(index)

    # Its part in export, forgetting and backup.

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
        """Remove a listener's documents, and the listener from the lists of others'.

        Parameters
        ----------
        account_name
            The name of the listener's account; None for a listener without one.

        Returns
        -------
        How many documents were removed.
        """
        personal = self.policy.personal
        if personal is None:
            return 0
        documents, removed = self._plain, 0
        if personal.owner:
            removed += documents.delete_many(_owned_by(user_id, personal)).deleted_count
        for member in personal.members:
            documents.update_many({member: user_id}, {"$pull": {member: user_id}})
        if personal.traces and (traces := personal.traces(user_id, account_name)):
            removed += documents.delete_many(traces).deleted_count
        return removed

    def is_empty(self) -> bool:
        """Whether there is no document."""
        return self.documents.find_one({}, {"_id": 1}) is None

    def dump(self, snapshot: Snapshot) -> Iterator[Mapping[str, Any]]:
        """All documents for a backup, which has them under their `_id`."""
        collection = self._database.get_collection(self.name, codec_options=_RAW)
        return iter(cast(Any, collection).find({}, session=snapshot, batch_size=1000))

    def load(self, documents: Sequence[Document]) -> None:
        """Write documents of a backup over those of the same `_id`.

        Raises
        ------
        SegueError
            One contradicts a document that is there.
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
                f"{self.name}: {fault['errmsg']}: remove what stands against the archive"
            ) from None

    # For the owners' own queries.

    def aggregate(self, steps: Sequence[Document]) -> Iterator[Document]:
        """The results of an aggregation; they have a shape of their own."""
        return iter(self._plain.aggregate(list(steps)))

    def make(self, index: Index) -> None:
        """Make one index, whose time may have changed since it was made before."""
        if index.keep is None:
            self.documents.create_index(list(index.keys), unique=index.unique)
        else:
            (key, _), *_ = index.keys
            keep_for(self._database, self.name, key, index.keep)

    @property
    def _plain(self) -> Documents[Document]:
        """The documents without their type."""
        return cast("Documents[Document]", self.documents)


def _owned_by(user_id: str, personal: Personal) -> Document:
    return {"$or": [{owner: user_id} for owner in personal.owner]}
