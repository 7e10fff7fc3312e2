"""Segue's database as the rest of the code holds it, and the base class of the modules that own a collection.

A collection has one owner: a subclass of :class:`Collection` in the package of its subject. Only there are
its documents described, its queries written and its indexes named; backup, export, forgetting and the jobs'
access rights follow from what the class declares (:mod:`segue.collections` lists all owners).
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, ClassVar, Generic, TypeVar, cast

from pymongo import ASCENDING
from pymongo.collection import Collection as Documents
from pymongo.database import Database

from segue.storage.mongo import Document, keep_for

RecordT = TypeVar("RecordT", bound=Mapping[str, Any])


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


class Job(enum.StrEnum):
    """A user of the database with rights of its own; `./run.sh access` makes them."""

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
    """find, update, remove: for a listener who leaves"""
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

    def aggregate(self, steps: Sequence[Document]) -> Iterator[Document]:
        """The results of an aggregation; they have a shape of their own."""
        return iter(cast("Documents[Document]", self.documents).aggregate(list(steps)))

    def make(self, index: Index) -> None:
        """Make one index, whose time may have changed since it was made before."""
        if index.keep is None:
            self.documents.create_index(list(index.keys), unique=index.unique)
        else:
            (key, _), *_ = index.keys
            keep_for(self._database, self.name, key, index.keep)
