"""The audio space: standardised descriptors, projected on the corpus's principal components, at unit length.

It is fitted once on the corpus by `./run.sh embeddings train`, stored in MongoDB, and applied by the same
code to the corpus, to new tracks and to an uploaded file, so that all vectors are comparable.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from segue.embeddings.corpus import Matrix
from segue.embeddings.space import Space, SpaceError, TrainingData, to_bytes, undamaged
from segue.errors import TooLittle
from segue.models.versions import Models
from segue.settings import Settings
from segue.storage.store import Store

CONSTANT = 1e-6
"""A descriptor whose values differ by no more than this share of the largest is constant."""
BLOCK = 16_384
"""The number of rows that are standardised at once."""


@dataclass(frozen=True, kw_only=True, eq=False)
class AudioSpace(Space):
    """A fitted space of d descriptors and k components."""

    name: ClassVar[str] = "audio"
    kind: ClassVar[str] = "audio-space"
    command: ClassVar[str] = "embeddings train"

    version: str
    features_version: str
    names: tuple[str, ...]
    """The names of the d descriptors."""
    mean: NDArray[np.float64]
    """Shape (d,)."""
    scale: NDArray[np.float64]
    """Shape (d,): standard deviations; 1 for a descriptor that is constant over the corpus."""
    components: NDArray[np.float64]
    """Shape (d, k), orthonormal columns."""
    explained: NDArray[np.float64]
    """Shape (k,): each component's share of the corpus's variance."""
    tracks: int
    """The number of tracks that it was fitted on."""
    spread: float
    """The mean distance of the corpus's tracks from its centre: see :meth:`distances`."""

    @property
    def dimension(self) -> int:
        return int(self.components.shape[1])

    @classmethod
    def fit(cls, data: TrainingData, settings: Settings) -> AudioSpace:
        """Fit the space on a corpus, by principal component analysis of the standardised descriptors.

        Raises
        ------
        TooLittle
            The corpus has fewer than two tracks, or all its tracks are the same.
        """
        corpus = data.corpus
        rows, width = corpus.descriptors.shape
        k = min(settings.embedding.audio.n_components, width, rows - 1)
        if k < 1:
            raise TooLittle("an audio space needs at least two tracks with features: ingest more music")
        descriptors = settle_constants(corpus.descriptors)
        if not np.ptp(descriptors, axis=0).any():
            raise TooLittle("all tracks have the same features: ingest more music")
        mean, scale, components, explained = principal_components(descriptors, k=k)
        space = cls(
            version=space_version(
                features=data.features_version,
                track_ids=corpus.track_ids,
                descriptors=corpus.descriptors,
                components=k,
            ),
            features_version=data.features_version,
            names=data.names,
            mean=mean,
            scale=scale,
            components=components,
            explained=explained,
            tracks=rows,
            spread=1.0,
        )
        return replace(space, spread=float(space.distances(descriptors).mean()))

    def transform(self, descriptors: Matrix) -> NDArray[np.float32]:
        """Descriptors of shape (n, d) as embeddings of shape (n, k), float32, each row of length 1.

        A row without a direction (exactly the corpus's mean) gets that of the first component.

        Raises
        ------
        SpaceError
            The space has another number of descriptors.
        """
        projected = self.standardised(descriptors) @ self.components
        length = np.linalg.norm(projected, axis=1, keepdims=True)
        first = np.eye(1, self.dimension)
        return np.where(length > 0, projected / np.where(length > 0, length, 1.0), first).astype(np.float32)

    def distances(self, descriptors: Matrix) -> NDArray[np.float64]:
        """Root mean square of each row's standardised descriptors, shape (n,).

        About 1 for tracks like those of the corpus; more for tracks unlike any of them.
        """
        squares = np.square(self.standardised(descriptors))
        return np.asarray(np.sqrt(squares.mean(axis=1)))

    def standardised(self, descriptors: Matrix) -> NDArray[np.float64]:
        """Standardise descriptors of shape (n, d) by the corpus's mean and standard deviations."""
        if descriptors.ndim != 2 or descriptors.shape[1] != len(self.mean):
            raise SpaceError(
                f"audio space {self.version} takes rows of {len(self.mean)} numbers, not {descriptors.shape}"
            )
        return (np.asarray(descriptors, dtype=np.float64) - self.mean) / self.scale

    def save(self, store: Store) -> None:
        names = ("mean", "scale", "components", "explained")
        arrays = {name: to_bytes(getattr(self, name)) for name in names}
        fields = {
            "features_version": self.features_version,
            "names": list(self.names),
            "dimension": self.dimension,
            "tracks": self.tracks,
            "spread": self.spread,
        }
        Models(store).put(self.kind, self.version, fields | arrays)

    @classmethod
    def load(cls, store: Store, version: str | None = None) -> AudioSpace:
        """Load the space of a version, by default the space in use.

        Raises
        ------
        SpaceError
            There is no such space.
        """
        models = Models(store)
        version = version or models.active_version(cls.kind)
        stored = models.fields(cls.kind, version)
        if stored is None:
            raise SpaceError(f"there is no audio space {version or 'yet'}: run ./run.sh {cls.command}")
        with undamaged("audio space", version, command=cls.command):
            dimension = int(stored["dimension"])
            return cls(
                version=str(version),
                features_version=stored["features_version"],
                names=tuple(stored["names"]),
                mean=np.frombuffer(stored["mean"], "<f8"),
                scale=np.frombuffer(stored["scale"], "<f8"),
                components=np.frombuffer(stored["components"], "<f8").reshape(-1, dimension),
                explained=np.frombuffer(stored["explained"], "<f8"),
                tracks=int(stored["tracks"]),
                spread=float(stored["spread"]),
            )


def principal_components(
    descriptors: Matrix, *, k: int
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Principal components of standardised rows, from their covariance, which is summed block by block.

    Parameters
    ----------
    descriptors
        Shape (n, d), two rows or more.
    k
        The number of components.

    Returns
    -------
    Mean (d,); standard deviation (d,), 1 for a constant column; components (d, k), orthonormal columns
    whose largest element is positive; each component's share of the variance (k,).
    """
    count, width = descriptors.shape
    mean = descriptors.mean(axis=0, dtype=np.float64)
    deviation = np.zeros(width)
    for start in range(0, count, BLOCK):
        deviation += np.square(descriptors[start : start + BLOCK] - mean).sum(axis=0)
    deviation = np.sqrt(deviation / (count - 1))
    scale = np.where(deviation > 0, deviation, 1.0)
    covariance = np.zeros((width, width))
    for start in range(0, count, BLOCK):
        standardised = (descriptors[start : start + BLOCK] - mean) / scale
        covariance += standardised.T @ standardised
    values, vectors = np.linalg.eigh(covariance / (count - 1))
    values = np.maximum(values[::-1], 0.0)
    return mean, scale, signed(vectors[:, ::-1][:, :k]), values[:k] / values.sum()


def space_version(*, features: str, track_ids: Sequence[str], descriptors: Matrix, components: int) -> str:
    """The version of the space that is fitted on a corpus: a hash of the corpus and the settings."""
    digest = hashlib.sha256(f"{features}\n{components}\n".encode())
    for row in np.argsort(np.asarray(track_ids)):
        digest.update(track_ids[row].encode())
        digest.update(np.ascontiguousarray(descriptors[row], dtype="<f4").tobytes())
    return digest.hexdigest()[:12]


def settle_constants(descriptors: Matrix) -> Matrix:
    """Make descriptors that are constant except for rounding exactly constant.

    Otherwise standardising would scale their rounding errors up to the size of the real descriptors.
    """
    settled = np.array(descriptors)
    constant = np.ptp(settled, axis=0) <= CONSTANT * np.abs(settled).max(axis=0)
    settled[:, constant] = settled[0, constant]
    return settled


def signed(components: NDArray[np.float64]) -> NDArray[np.float64]:
    """Make the largest element of each component positive, since components are defined up to their sign."""
    largest = np.abs(components).argmax(axis=0)
    return components * np.where(components[largest, np.arange(components.shape[1])] < 0, -1.0, 1.0)
