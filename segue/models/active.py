"""The version of a model in use, followed without a restart: the index, and the feedback on tracks."""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar, Generic, TypeVar

from segue.models.versions import Models
from segue.storage.mongo import Unreachable
from segue.storage.store import Store

log = logging.getLogger(__name__)
ModelT = TypeVar("ModelT")
_RETRY_SECONDS = 30.0
"""A refused version may be put right under its name, and is tried again after this time."""


@dataclass(frozen=True)
class _Served(Generic[ModelT]):
    """A model and its version, in one, so that no thread sees the one without the other."""

    model: ModelT
    version: str | None


class ActiveVersion(ABC, Generic[ModelT]):
    """Gives the active version of a kind; looks for a newer one every `every` seconds at most.

    A version that is unfit is refused, and the former one serves on; so it does while MongoDB is away.
    """

    kind: ClassVar[str]
    unfit: ClassVar[tuple[type[Exception], ...]] = ()
    """Errors of :meth:`read` by which a version is refused."""

    def __init__(self, store: Store, *, every: float, initial: ModelT | None = None) -> None:
        """`initial` serves until the first version is read; without it, the first must be there and fit."""
        self.store, self._every = store, every
        self._served = None if initial is None else _Served(initial, None)
        self._reading = threading.Lock()
        self.refused: str | None = None
        """The version that is active but unfit, for the operator; None when all is well."""
        self._looked = self._retry_at = float("-inf")

    @property
    def version(self) -> str | None:
        """The version that is served; None before the first."""
        served = self._served
        return None if served is None else served.version

    @abstractmethod
    def read(self, version: str | None) -> ModelT:
        """Read a version; None where none is active. One thread at a time calls this."""

    def current(self) -> ModelT:
        """The model to use now; threads may share this object.

        While one thread reads a newer version, the others go on with the former one; they wait for the first.

        Raises
        ------
        Exception
            Without an initial one, as long as none has been read: what :meth:`read` raises, or one of
            `Unreachable` while MongoDB is away.
        """
        served = self._served
        if served is None:
            served = self._first()
        elif time.monotonic() - self._looked >= self._every and self._reading.acquire(blocking=False):
            try:
                # While MongoDB is away the former one serves on; whoever writes to MongoDB next waits for it.
                with contextlib.suppress(*Unreachable):
                    served = self._newest()
                self._looked = time.monotonic()
            finally:
                self._reading.release()
        return served.model

    def _active(self) -> str | None:
        return Models(self.store).active_version(self.kind) or None

    def _first(self) -> _Served[ModelT]:
        # Asked before the lock is taken: while MongoDB is away, the threads wait side by side, not in turn.
        version = self._active()
        with self._reading:
            served = self._served
            if served is None:
                self._served = served = _Served(self.read(version), version)
                self._looked = time.monotonic()
            return served

    def _newest(self) -> _Served[ModelT]:
        """The active version if it is fit, else the one that is served. The caller holds the lock."""
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
                log.error("%s %s is refused, %s serves on: %s", self.kind, version, served.version, error)
            self.refused, self._retry_at = version, time.monotonic() + _RETRY_SECONDS
            return served
        self._served, self.refused = newer, None
        return newer
