"""The map of a library: unit vectors on their two first principal components (Pearson 1901).

It is deterministic, and fast enough to be computed on request: the covariance of 106,574 vectors of 64
numbers takes tens of milliseconds. A taste is projected by the same function.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from segue.embeddings.corpus import Matrix

BLOCK = 16_384
"""The number of rows read from the mapped file at once."""


@dataclass(frozen=True)
class PlanarProjection:
    """Two directions in a space of d dimensions; made by :func:`fit_projection`."""

    mean: NDArray[np.float64]
    """(d,)."""
    axes: NDArray[np.float64]
    """(d, 2), orthonormal columns; zeros where the vectors have no such direction."""
    reach: NDArray[np.float64]
    """(2,): the 99.9 % quantile of the distances along each axis, which is scaled to 1."""

    def coordinates(self, vectors: Matrix) -> NDArray[np.float64]:
        """Vectors of shape (n, d) as points of shape (n, 2), in the space's own units."""
        return (np.asarray(vectors, dtype=np.float64) - self.mean) @ self.axes

    def project(self, vectors: Matrix) -> NDArray[np.float32]:
        """Vectors of shape (n, d) as points of shape (n, 2) within -1 to 1, float32."""
        return np.clip(self.coordinates(vectors) / self.reach, -1.0, 1.0).astype(np.float32)


def fit_projection(vectors: Matrix) -> PlanarProjection:
    """The projection that shows most of the vectors' variance, shape (n, d).

    The largest element of each axis is positive, so that the same library always gives the same map.
    """
    count, dimension = vectors.shape
    total, squares = np.zeros(dimension), np.zeros((dimension, dimension))
    for start in range(0, count, BLOCK):
        block = np.asarray(vectors[start : start + BLOCK], dtype=np.float64)
        total += block.sum(axis=0)
        squares += block.T @ block
    mean = total / max(1, count)
    _, vectors_by_variance = np.linalg.eigh(squares / max(1, count) - np.outer(mean, mean))
    axes = np.zeros((dimension, 2))
    main = vectors_by_variance[:, ::-1][:, :2]
    axes[:, : main.shape[1]] = main
    largest = np.abs(axes).argmax(axis=0)
    axes *= np.where(axes[largest, [0, 1]] < 0, -1.0, 1.0)
    along = np.abs((np.asarray(vectors, dtype=np.float64) - mean) @ axes)
    reach = np.quantile(along, 0.999, axis=0) if count else np.ones(2)
    return PlanarProjection(mean=mean, axes=axes, reach=np.maximum(reach * 1.02, 1e-9))
