"""The collection `models`: versions of everything that is learned or built, and the active one of each kind.

A version is immutable. Its document is written once all its parts are stored, and :meth:`Models.activate`
switches a kind to it with one write, so that a reader sees the former or the new version, complete.
:class:`ActiveVersion` follows that switch without a restart.

Delivery: every write is an upsert by kind and version, so that repeating it changes nothing.
"""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Collection as Names
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, ClassVar, Generic, TypedDict, TypeVar

from segue.storage.mongo import ASCENDING, DESCENDING, READABLE, Document, Unreachable
from segue.storage.store import Collection, Job, Policy, Right, Store

log = logging.getLogger(__name__)
ModelT = TypeVar("ModelT")
_OLDEST = datetime.min.replace(tzinfo=UTC)
_RETRY_SECONDS = 30.0
"""A refused version may be repaired under its name, so it is tried again after this time."""


class FileRecord(TypedDict):
    """Size in bytes and checksum of a file in GridFS."""

    size: int
    """Size in bytes."""
    sha256: str
    """SHA-256 of the contents, in hexadecimal."""


class ModelRecord(TypedDict, total=False):
    """A version of a model, or (with `_id` "active:<kind>" and `version` alone) the version in use.

    Each kind has further fields: :meth:`Models.fields` gives all of them.
    """

    _id: str
    """"<kind>:<version>"."""
    kind: str
    """audio-space, genre-space, session-space, following, als, index, feedback or order."""
    version: str
    """Version of the model."""
    created_at: datetime
    """When the version was stored."""
    features_version: str
    """Of spaces: the version of the descriptors that they take."""
    file: FileRecord
    """Of models whose arrays are in GridFS (:mod:`segue.models.trained`)."""
    manifest: dict[str, Any]
    """Of an index."""
    cold_start: list[str]
    """Of an index: track ids."""
    tracks: int
    """Number of tracks in the model."""
    weights: dict[str, list[float]]
    """Of a learned order: by the name of the evidence (:mod:`segue.ranking.order_versions`)."""
    learned: bool
    """Of an order: whether its weights were learned here; otherwise they are the shipped ones."""
    choices: int
    """Of a learned order: the number of tracks that listeners took from lists, which taught it."""
    gain: float
    """Of a learned order: how much likelier it makes the latest choices, a mean difference of logarithms."""


class Models(Collection[ModelRecord]):
    """The versions of all kinds of models."""

    name = READABLE
    policy = Policy(
        computed=True,
        access={
            Job.STREAM: Right.WRITE,  # feedback
            Job.DASHBOARD: Right.READ,
            Job.CATALOGUE: Right.WRITE,
            Job.OPERATOR: Right.WRITE,
        },
    )

    def active_version(self, kind: str) -> str | None:
        """The version of a kind that is in use; None before the first. A damaged note names the newest."""
        active = self.documents.find_one({"_id": f"active:{kind}"})
        if active is None:
            return None
        if "version" in active:
            return active["version"]
        # The note is damaged: the newest version was most probably in use.
        return next(iter(self.versions(kind)), None)

    def activate(self, kind: str, version: str) -> None:
        """Switch a kind to a version."""
        self.documents.update_one({"_id": f"active:{kind}"}, {"$set": {"version": version}}, upsert=True)

    def has(self, kind: str, version: str) -> bool:
        """Whether a version is stored."""
        return self.documents.find_one({"_id": f"{kind}:{version}"}, {"_id": 1}) is not None

    def fields(self, kind: str, version: str | None, *names: str) -> Document | None:
        """The named fields of a version, or all of them; None if the version is not stored.

        A dotted name selects a field of a nested document.
        """
        if version is None:
            return None
        wanted = dict.fromkeys(names, 1) or None
        record = self.documents.find_one({"_id": f"{kind}:{version}"}, wanted)
        return None if record is None else dict(record)

    def active_fields(self, kind: str, *names: str) -> Document | None:
        """:meth:`fields` of the version in use; None before the first."""
        return self.fields(kind, self.active_version(kind), *names)

    def put(
        self, kind: str, version: str, fields: Mapping[str, Any], *, created_at: datetime | None = None
    ) -> None:
        """Store a version without activating it.

        Parameters
        ----------
        fields
            The fields of this kind.
        created_at
            By default now; a version that is stored already then keeps its time.
        """
        own = {**fields, "kind": kind, "version": version}
        change: Document = {"$set": own}
        if created_at is None:
            change["$setOnInsert"] = {"created_at": datetime.now(UTC)}
        else:
            own["created_at"] = created_at
        self.documents.update_one({"_id": f"{kind}:{version}"}, change, upsert=True)

    def versions(self, *kinds: str, before: datetime | None = None) -> list[str]:
        """The stored versions of some kinds, newest first; with `before`, those made earlier than that."""
        wanted: Document = {"kind": {"$in": list(kinds)}}
        if before is not None:
            wanted["created_at"] = {"$lt": before}
        records = self.documents.find(wanted, {"_id": 1}).sort("created_at", DESCENDING)
        return [_version_of(record) for record in records]

    def created(self, kind: str) -> dict[str, datetime]:
        """The creation time of each stored version of a kind."""
        records = self.documents.find({"kind": kind}, {"created_at": 1})
        return {_version_of(record): record.get("created_at", _OLDEST) for record in records}

    def listed(self, *, without: Names[str] = ()) -> list[dict[str, Any]]:
        """All stored versions by kind, newest first: kind, version, active, created_at, tracks and bytes.

        `tracks` and `bytes` are None where a kind does not record them.
        """
        wanted = {"kind": {"$exists": True, "$nin": list(without)}}
        fields = dict.fromkeys(("kind", "version", "created_at", "tracks", "file.size"), 1)
        records = self.documents.find(wanted, fields).sort([("kind", ASCENDING), ("created_at", DESCENDING)])
        active = {
            str(record["_id"]).removeprefix("active:"): record.get("version")
            for record in self.documents.find({"_id": {"$regex": "^active:"}})
        }
        return [
            {
                "kind": record["kind"],
                "version": _version_of(record),
                "active": active.get(record["kind"]) == _version_of(record),
                "created_at": record.get("created_at"),
                "tracks": record.get("tracks"),
                "bytes": record.get("file", {}).get("size"),
            }
            for record in records
            if "kind" in record
        ]

    def remove(self, kind: str, versions: Names[str]) -> None:
        """Remove versions of a kind."""
        self.documents.delete_many({"_id": {"$in": [f"{kind}:{version}" for version in versions]}})

    def remove_all_but(self, kind: str, kept: Names[str]) -> None:
        """Remove all versions of a kind but those that are kept."""
        ids = [f"{kind}:{version}" for version in kept]
        self.documents.delete_many({"kind": kind, "_id": {"$nin": ids}})

    def retire(self, kind: str) -> bool:
        """Remove all versions of a kind, including the active one; returns whether there were any."""
        wanted: Document = {"$or": [{"kind": kind}, {"_id": f"active:{kind}"}]}
        return bool(self.documents.delete_many(wanted).deleted_count)

    def with_file(self) -> list[str]:
        """ "<kind>:<version>" of all models whose arrays are in GridFS."""
        return [str(record["_id"]) for record in self.documents.find({"file": {"$exists": True}}, {"_id": 1})]


def _version_of(record: ModelRecord) -> str:
    return record["_id"].partition(":")[2]


@dataclass(frozen=True)
class _Served(Generic[ModelT]):
    """A model with its version in one object, so that no thread sees one without the other."""

    model: ModelT
    version: str | None


class ActiveVersion(ABC, Generic[ModelT]):
    """Follows the active version of a kind; looks for a newer one every `every` seconds at most.

    An unfit version is refused, and the former one stays in use, as it does while MongoDB is unavailable. If
    the first one is unfit, an earlier one is used.
    """

    kind: ClassVar[str]
    unfit: ClassVar[tuple[type[Exception], ...]] = ()
    """The errors of :meth:`read` for which a version is refused."""

    def __init__(self, store: Store, *, every: float, initial: ModelT | None = None) -> None:
        """`initial` is used until the first version is read; without it, the first must exist and be fit."""
        self.store, self._every = store, every
        self._served = None if initial is None else _Served(initial, None)
        self._reading = threading.Lock()
        self.refused: str | None = None
        """The version that is active but unfit, for the operator; None if there is none."""
        self._looked = self._retry_at = float("-inf")

    @property
    def version(self) -> str | None:
        """The version in use; None before the first."""
        served = self._served
        return None if served is None else served.version

    @abstractmethod
    def read(self, version: str | None) -> ModelT:
        """Read a version; None where none is active. One thread at a time calls this."""

    def current(self) -> ModelT:
        """The model to use now; threads may share this object.

        While one thread reads a newer version, the others use the former one; they wait for the first
        version.

        Raises
        ------
        Exception
            If there is no initial version and none has been read: the error of :meth:`read`, or one of
            `Unreachable` while MongoDB is unavailable.
        """
        served = self._served
        if served is None:
            served = self._first()
        elif time.monotonic() - self._looked >= self._every and self._reading.acquire(blocking=False):
            try:
                # While MongoDB is unavailable the former version stays in use; the next write to MongoDB
                # waits for it.
                with contextlib.suppress(*Unreachable):
                    served = self._newest()
                self._looked = time.monotonic()
            finally:
                self._reading.release()
        return served.model

    def _active(self) -> str | None:
        return Models(self.store).active_version(self.kind) or None

    def _first(self) -> _Served[ModelT]:
        # Queried before the lock is taken: while MongoDB is unavailable, the threads wait in parallel, not in
        # turn.
        version = self._active()
        with self._reading:
            served = self._served
            if served is None:
                self._served = served = self._fit(version)
                self._looked = time.monotonic()
            return served

    def earlier(self, version: str) -> Sequence[str]:
        """The versions to use in place of the first one if it is unfit, best first."""
        return ()

    def _fit(self, version: str | None) -> _Served[ModelT]:
        """The first model: of the active version, or of an earlier one if that is unfit."""
        try:
            return _Served(self.read(version), version)
        except self.unfit as error:
            unfit = error
        for other in () if version is None else self.earlier(version):
            with contextlib.suppress(*self.unfit):
                model = self.read(other)
                log.error("%s %s is refused, %s is used: %s", self.kind, version, other, unfit)
                self.refused, self._retry_at = version, time.monotonic() + _RETRY_SECONDS
                return _Served(model, other)
        raise unfit

    def _newest(self) -> _Served[ModelT]:
        """The active version if it is fit, otherwise the one in use. The caller holds the lock."""
        served = self._served
        assert served is not None  # it is set once, and replaced only
        version = self._active()
        if version == served.version:
            self.refused = None
            return served
        if self.refused is not None and version == self.refused and time.monotonic() < self._retry_at:
            return served
        try:
            newer = _Served(self.read(version), version)
        except self.unfit as error:
            if version != self.refused:
                log.error("%s %s is refused, %s stays in use: %s", self.kind, version, served.version, error)
            self.refused, self._retry_at = version, time.monotonic() + _RETRY_SECONDS
            return served
        self._served, self.refused = newer, None
        return newer
