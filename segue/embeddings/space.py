"""What every space of tracks has in common. The spaces themselves: :mod:`segue.embeddings.registry`."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
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
    """A space is missing or unknown, or does not fit the descriptors that it is applied to."""


@dataclass(frozen=True, kw_only=True, eq=False)
class TrainingData:
    """Everything that a space can be fitted on; a space takes the parts that it needs."""

    corpus: Corpus
    features_version: str
    """The version of the corpus's descriptors."""
    names: tuple[str, ...]
    """The names of the d descriptors."""
    genres: Mapping[str, str] | None = None
    """By track id, the main genre of those tracks that have one; None where no genres were read."""
    sessions: SessionLog | None = None
    """Listening sessions, whose `item_ids` are track ids; None where no sessions were read."""


class Space(ABC):
    """A fitted space: descriptors of n tracks in, n vectors of length 1 out; near means similar.

    A subclass is an immutable record of the fitted numbers. Registered in :mod:`segue.embeddings.registry`,
    it can be served (`index.space`), is given every track's place by `./run.sh embeddings train`, and is
    compared by `./run.sh models evaluate --spaces`.
    """

    name: ClassVar[str]
    """In `index.space` and in commands."""
    kind: ClassVar[str]
    """In `models`."""
    command: ClassVar[str]
    """The command that fits it."""
    uses_genres: ClassVar[bool] = False
    """Whether it is fitted on genres: a version in use then knows the labels that an evaluation asks for."""
    version: str
    features_version: str
    """The version of the descriptors that it takes."""

    @classmethod
    @abstractmethod
    def fit(cls, data: TrainingData, settings: Settings) -> Self:
        """Fit it; the same data and settings give the same version.

        Raises
        ------
        TooLittle
            A part of the data that it needs is missing or too small; the text says which.
        """

    @abstractmethod
    def transform(self, descriptors: Matrix) -> NDArray[np.float32]:
        """Descriptors of shape (n, d) as vectors of shape (n, k), each of length 1, by the sound alone.

        Raises
        ------
        SpaceError
            The number of descriptors is another.
        """

    def place(self, track_ids: Sequence[str], descriptors: Matrix) -> NDArray[np.float32]:
        """The same for tracks of the catalogue, with all else that the space knows of them."""
        return self.transform(descriptors)

    @abstractmethod
    def save(self, store: Store) -> None:
        """Keep it in `models`, without switching to it. Repeating changes nothing."""

    def activate(self, store: Store) -> None:
        """Make it the space of its kind that is in use."""
        Models(store).activate(self.kind, self.version)

    @classmethod
    @abstractmethod
    def load(cls, store: Store, version: str) -> Self:
        """The space of a version.

        Raises
        ------
        SpaceError
            There is none.
        """


def to_bytes(array: NDArray[np.float64]) -> bytes:
    """An array as a space's document keeps it: little-endian float64."""
    return np.ascontiguousarray(array, dtype="<f8").tobytes()
