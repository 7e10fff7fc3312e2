"""The audio space: standardised descriptors, projected on the corpus's principal components, at unit length.

Fitted once on the corpus (batch_jobs/train_embeddings.py), kept in MongoDB, and applied by the same code to
the corpus, to new tracks and to an uploaded file, so that all are comparable.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np
from numpy.typing import NDArray
from pymongo.database import Database

from segue.errors import SegueError
from segue.storage.mongo import Document, activate, active_version, upsert

KIND = "audio-space"
CONSTANT = 1e-6
"""A descriptor whose values differ by no more than this share of the largest is taken for constant."""

Matrix = NDArray[np.floating]


class SpaceError(SegueError):
    """A space is missing, or does not fit what it is applied to."""


@dataclass(frozen=True, kw_only=True, eq=False)
class AudioSpace:
    """A fitted space of d descriptors and k components."""

    version: str
    features_version: str
    names: tuple[str, ...]
    """The names of the d descriptors."""
    mean: NDArray[np.float64]
    """Shape (d,)."""
    scale: NDArray[np.float64]
    """Shape (d,): standard deviations; 1 for a descriptor that was the same for the whole corpus."""
    components: NDArray[np.float64]
    """Shape (d, k), orthonormal columns."""
    explained: NDArray[np.float64]
    """Shape (k,): each component's share of the corpus's variance."""
    tracks: int
    """How many tracks it was fitted on."""
    spread: float
    """How far the corpus's tracks lie from its middle on average: see :meth:`distances`."""

    @property
    def dimension(self) -> int:
        return int(self.components.shape[1])

    def transform(self, descriptors: Matrix) -> NDArray[np.float32]:
        """Descriptors of shape (n, d) as embeddings of shape (n, k), float32, each row of length 1.

        A row without any direction (exactly the corpus's mean) becomes the first component's.

        Raises
        ------
        SpaceError
            The number of descriptors is another.
        """
        projected = self.standardised(descriptors) @ self.components
        length = np.linalg.norm(projected, axis=1, keepdims=True)
        first = np.eye(1, self.dimension)
        return np.where(length > 0, projected / np.where(length > 0, length, 1.0), first).astype(np.float32)

    def place(self, track_ids: Sequence[str], descriptors: Matrix) -> NDArray[np.float32]:
        """The same for tracks of the catalogue: their sound is all that counts here."""
        return self.transform(descriptors)

    def distances(self, descriptors: Matrix) -> NDArray[np.float64]:
        """Root mean square of each row's standardised descriptors, shape (n,).

        About 1 for tracks like those of the corpus; more for tracks that it does not know the like of.
        """
        return np.sqrt(np.square(self.standardised(descriptors)).mean(axis=1))

    def standardised(self, descriptors: Matrix) -> NDArray[np.float64]:
        """Descriptors of shape (n, d) less the corpus's mean, in its standard deviations."""
        if descriptors.ndim != 2 or descriptors.shape[1] != len(self.mean):
            raise SpaceError(
                f"audio space {self.version} takes rows of {len(self.mean)} numbers, not {descriptors.shape}"
            )
        return (np.asarray(descriptors, dtype=np.float64) - self.mean) / self.scale

    def save(self, database: Database[Document]) -> None:
        """Keep it in `models`, without switching to it: see :meth:`activate`. Repeating changes nothing."""
        document = {
            "_id": f"{KIND}:{self.version}",
            "kind": KIND,
            "version": self.version,
            "features_version": self.features_version,
            "names": list(self.names),
            "dimension": self.dimension,
            "tracks": self.tracks,
            "spread": self.spread,
        }
        arrays = {
            name: _to_bytes(getattr(self, name)) for name in ("mean", "scale", "components", "explained")
        }
        upsert(database.models, [document | arrays])
        database.models.update_one(
            {"_id": document["_id"], "created_at": {"$exists": False}},
            {"$set": {"created_at": datetime.now(UTC)}},
        )

    def activate(self, database: Database[Document]) -> None:
        """Make it the space in use."""
        activate(database, KIND, self.version)

    @classmethod
    def load(cls, database: Database[Document], version: str | None = None) -> AudioSpace:
        """The space of a version; without one, the space in use.

        Raises
        ------
        SpaceError
            There is none.
        """
        version = version or active_version(database, KIND)
        found = database.models.find_one({"_id": f"{KIND}:{version}"}) if version else None
        if found is None:
            raise SpaceError(f"there is no audio space {version or 'yet'}: run ./run.sh embeddings")
        dimension = int(found["dimension"])
        return cls(
            version=found["version"],
            features_version=found["features_version"],
            names=tuple(found["names"]),
            mean=np.frombuffer(found["mean"], "<f8"),
            scale=np.frombuffer(found["scale"], "<f8"),
            components=np.frombuffer(found["components"], "<f8").reshape(-1, dimension),
            explained=np.frombuffer(found["explained"], "<f8"),
            tracks=int(found["tracks"]),
            spread=float(found["spread"]),
        )


def _to_bytes(array: NDArray[np.float64]) -> bytes:
    return np.ascontiguousarray(array, dtype="<f8").tobytes()


def space_version(*, features: str, track_ids: Sequence[str], descriptors: Matrix, components: int) -> str:
    """The version of the space that is fitted on a corpus: the same corpus and settings give the same."""
    digest = hashlib.sha256(f"{features}\n{components}\n".encode())
    for row in np.argsort(np.asarray(track_ids)):
        digest.update(track_ids[row].encode())
        digest.update(np.ascontiguousarray(descriptors[row], dtype="<f4").tobytes())
    return digest.hexdigest()[:12]


def settle_constants(descriptors: Matrix) -> Matrix:
    """The same rows, with descriptors that are constant but for rounding made exactly so.

    Otherwise standardising would blow their rounding errors up to the size of the real descriptors.
    """
    settled = np.array(descriptors)
    constant = np.ptp(settled, axis=0) <= CONSTANT * np.abs(settled).max(axis=0)
    settled[:, constant] = settled[0, constant]
    return settled


def signed(components: Matrix) -> Matrix:
    """Principal components are defined up to their sign: the largest element of each becomes positive."""
    largest = np.abs(components).argmax(axis=0)
    return components * np.where(components[largest, np.arange(components.shape[1])] < 0, -1.0, 1.0)
