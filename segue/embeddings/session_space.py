"""The session space: where listeners' sessions and the sound put a track (:mod:`segue.embeddings.sessions`).

Trained by `./run.sh models train`, kept in MongoDB, and applied without the library it was trained with: to
the corpus, to tracks that came after the training and to uploaded files, which their sound alone places.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import pi, sqrt

import numpy as np
from numpy.typing import NDArray
from pymongo.database import Database

from segue.embeddings.audio_space import Matrix, SpaceError
from segue.index.track_ids import find_ids
from segue.models import trained
from segue.storage.mongo import Document

KIND = "session-space"
FARTHEST = 4.0
"""Standardised descriptors are cut off there: what lies further out is noise, or another kind of sound."""


@dataclass(frozen=True, kw_only=True, eq=False)
class SessionSpace:
    """A trained space of d descriptors and k dimensions."""

    version: str
    features_version: str
    mean: NDArray[np.float64]
    """Shape (d,)."""
    scale: NDArray[np.float64]
    """Shape (d,)."""
    first: NDArray[np.float32]
    """Shape (d, hidden)."""
    first_bias: NDArray[np.float32]
    """Shape (hidden,)."""
    second: NDArray[np.float32]
    """Shape (hidden, k)."""
    track_ids: np.ndarray
    """(n,) numpy bytes, ascending: the tracks that sessions have told of."""
    free: NDArray[np.float32]
    """Shape (n, k): what sessions add to their sound."""

    @property
    def dimension(self) -> int:
        return int(self.second.shape[1])

    def transform(self, descriptors: Matrix) -> NDArray[np.float32]:
        """Descriptors of shape (m, d) as embeddings of shape (m, k), each of length 1, by the sound alone.

        Raises
        ------
        SpaceError
            The number of descriptors is another.
        """
        return _unit(self._tower(descriptors))

    def place(self, track_ids: Sequence[str], descriptors: Matrix) -> NDArray[np.float32]:
        """The same for tracks of the catalogue, with what sessions say of those that they tell of."""
        found = self._tower(descriptors)
        place = find_ids(track_ids, among=self.track_ids)
        found[place >= 0] += self.free[place[place >= 0]]
        return _unit(found)

    def _tower(self, descriptors: Matrix) -> NDArray[np.float32]:
        if descriptors.ndim != 2 or descriptors.shape[1] != len(self.mean):
            raise SpaceError(
                f"session space {self.version} takes rows of {len(self.mean)} numbers, "
                f"not {descriptors.shape}"
            )
        sound = tower_input(descriptors, mean=self.mean, scale=self.scale)
        return np.asarray(_gelu(sound @ self.first + self.first_bias) @ self.second, dtype=np.float32)

    @classmethod
    def load(cls, database: Database[Document], version: str) -> SessionSpace:
        """The space of a version.

        Raises
        ------
        SpaceError
            There is none.
        """
        document = database.models.find_one({"_id": f"{KIND}:{version}"})
        if document is None:
            raise SpaceError(f"there is no session space {version}: run ./run.sh models train")
        arrays = trained.load(database, KIND, version)
        assert arrays is not None
        return cls(version=version, features_version=document["features_version"], **arrays)


def tower_input(descriptors: Matrix, *, mean: Matrix, scale: Matrix) -> NDArray[np.float32]:
    """(n, d) float32: standardised, and nothing too far out."""
    return ((descriptors - mean) / scale).clip(-FARTHEST, FARTHEST).astype(np.float32)


def _gelu(x: NDArray[np.float32]) -> NDArray[np.float32]:
    """As in training: the tanh form of Hendrycks and Gimpel (2016)."""
    return 0.5 * x * (1 + np.tanh(sqrt(2 / pi) * (x + 0.044715 * x**3)))


def _unit(rows: NDArray[np.float32]) -> NDArray[np.float32]:
    return (rows / np.sqrt(np.square(rows).sum(axis=1, keepdims=True) + 1e-8)).astype(np.float32)
