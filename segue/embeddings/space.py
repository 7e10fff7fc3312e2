"""The interface of a space of tracks. The spaces are listed in :mod:`segue.embeddings.registry`."""

from __future__ import annotations

import contextlib
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from segue.embeddings.corpus import Corpus, Matrix
from segue.errors import SegueError
from segue.models.versions import Models
from segue.session_logs.logs import SessionLog
from segue.settings import Settings
from segue.storage.store import Store


class SpaceError(SegueError):
    """A space is missing, unknown or damaged, or does not fit the descriptors that it is applied to."""


@contextlib.contextmanager
def undamaged(kind: str, version: str | None, *, command: str) -> Iterator[None]:
    """Raise a :class:`SpaceError` if the body cannot read the stored fields of a space.

    The arrays of a space have no record: they are as long as the descriptors are many.
    """
    try:
        yield
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
        fault = f"{type(error).__name__}: {error}"
        raise SpaceError(f"the {kind} {version} is damaged ({fault}): run ./run.sh {command}") from None


@dataclass(frozen=True, kw_only=True, eq=False)
class TrainingData:
    """The data that a space can be fitted on; each space takes the parts that it needs."""

    corpus: Corpus
    features_version: str
    """The version of the corpus's descriptors."""
    names: tuple[str, ...]
    """The names of the d descriptors."""
    genres: Mapping[str, str] | None = None
    """Track id -> main genre, for the tracks that have one; None if no genres were read."""
    sessions: SessionLog | None = None
    """Listening sessions, whose `item_ids` are track ids; None if no sessions were read."""


class Space(ABC):
    """A fitted space: maps descriptors of n tracks to n vectors of length 1, near each other for similar
    tracks.

    A subclass is an immutable record of the fitted numbers. Once it is registered in
    :mod:`segue.embeddings.registry`, it can be served (`index.space`), `./run.sh embeddings train` places
    every track in it, and `./run.sh models evaluate --spaces` compares it with the other spaces.
    """

    name: ClassVar[str]
    """Its name in `index.space` and in commands."""
    kind: ClassVar[str]
    """Its kind in `models`."""
    command: ClassVar[str]
    """The command that fits it."""
    uses_genres: ClassVar[bool] = False
    """Whether it is fitted on genres: a version in use has then seen the labels of an evaluation."""
    version: str
    features_version: str
    """The version of the descriptors that it takes."""

    @classmethod
    @abstractmethod
    def fit(cls, data: TrainingData, settings: Settings) -> Self:
        """Fit the space; the same data and settings give the same version.

        Raises
        ------
        TooLittle
            A required part of the data is missing or too small; the message names it.
        """

    @abstractmethod
    def transform(self, descriptors: Matrix) -> NDArray[np.float32]:
        """Descriptors of shape (n, d) as vectors of shape (n, k), each of length 1, by the sound alone.

        Raises
        ------
        SpaceError
            The space has another number of descriptors.
        """

    def place(self, track_ids: Sequence[str], descriptors: Matrix) -> NDArray[np.float32]:
        """As :meth:`transform`, with all other data that the space has of tracks of the catalogue."""
        return self.transform(descriptors)

    @abstractmethod
    def save(self, store: Store) -> None:
        """Store the space in `models` without activating it. Repeating changes nothing."""

    def activate(self, store: Store) -> None:
        """Make it the space in use of its kind."""
        Models(store).activate(self.kind, self.version)

    @classmethod
    @abstractmethod
    def load(cls, store: Store, version: str) -> Self:
        """Load the space of a version.

        Raises
        ------
        SpaceError
            There is no such space.
        """


def to_bytes(array: NDArray[np.float64]) -> bytes:
    """The stored form of an array: little-endian float64."""
    return np.ascontiguousarray(array, dtype="<f8").tobytes()
