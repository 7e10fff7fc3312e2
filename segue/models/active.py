"""The version of a model in use, followed without a restart: the index, and the feedback on tracks."""

from __future__ import annotations

import contextlib
import logging
import time
from abc import ABC, abstractmethod
from typing import ClassVar, Generic, TypeVar

from segue.models.versions import Models
from segue.storage.mongo import Unreachable
from segue.storage.store import Store

log = logging.getLogger(__name__)
ModelT = TypeVar("ModelT")
_RETRY_SECONDS = 30.0
"""A refused version may be put right under its name, and is tried again after this time."""


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
        self._current = initial
        self.version: str | None = None
        """The version that is served; None before the first."""
        self.refused: str | None = None
        """The version that is active but unfit, for the operator; None when all is well."""
        self._looked = self._retry_at = float("-inf")

    @abstractmethod
    def read(self, version: str | None) -> ModelT:
        """Read a version; None where none is active."""

    def current(self) -> ModelT:
        """The model to use now.

        Raises
        ------
        Exception
            Without an initial one, as long as none has been read: what :meth:`read` raises, or one of
            `Unreachable` while MongoDB is away.
        """
        if self._current is None:
            self._current = self._newer()
        elif time.monotonic() - self._looked >= self._every:
            # While MongoDB is away the former one serves on; whoever writes to MongoDB next waits for it.
            with contextlib.suppress(*Unreachable):
                newer = self._newer()
                self._current = self._current if newer is None else newer
        else:
            return self._current
        self._looked = time.monotonic()
        assert self._current is not None
        return self._current

    def _newer(self) -> ModelT | None:
        """The active version, where it is another than the one that is served, and fit."""
        version = Models(self.store).active_version(self.kind) or None
        if self._current is not None and version == self.version:
            self.refused = None
            return None
        if self.refused is not None and version == self.refused and time.monotonic() < self._retry_at:
            return None
        try:
            newer = self.read(version)
        except self.unfit as error:
            if self._current is None:
                raise
            if version != self.refused:
                log.error("%s %s is refused, %s serves on: %s", self.kind, version, self.version, error)
            self.refused, self._retry_at = version, time.monotonic() + _RETRY_SECONDS
            return None
        self.version, self.refused = version, None
        return newer
