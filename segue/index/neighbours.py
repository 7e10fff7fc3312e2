"""The interface of a neighbour index, and the exact scoring and ordering that all backends share."""

from __future__ import annotations

from typing import Protocol

import numpy as np

NO_ROW = -1
"""The row of a missing neighbour, if a query has fewer than requested; its score is -inf."""
_GATHERED_FLOATS = 1 << 22
"""The largest number of floats gathered for scoring at once: 16 MB."""


class NeighbourIndex(Protocol):
    """The contract of the backends; one test suite checks it, with exact search as the oracle."""

    def query(self, vectors: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
        """Find the rows nearest to each vector by cosine.

        Parameters
        ----------
        vectors
            (m, d) floats of any length. A vector without a direction (zeros, or not finite) has no
            neighbours.
        k
            The number of neighbours, 0 or more.

        Returns
        -------
        rows
            (m, k) int32, best first, equal scores by row; -1 where there are no more.
        scores
            (m, k) float32, the cosine of query and row computed from the stored vectors, descending;
            -inf beside a row of -1.

        Raises
        ------
        ValueError
            The shape does not fit the index, or k is negative.
        """
        ...


def directions(vectors: np.ndarray, *, dimension: int, k: int) -> tuple[np.ndarray, np.ndarray]:
    """Check a query and scale it to unit length.

    Returns
    -------
    (u, d) float32 unit vectors of those that have a direction, and (u,) their indices in `vectors`.
    """
    if k < 0:
        raise ValueError(f"k is {k}: it must be 0 or more")
    vectors = np.asarray(vectors, dtype=np.float64)
    if vectors.ndim != 2 or vectors.shape[1] != dimension:
        raise ValueError(f"queries have the shape {vectors.shape}: it must be (m, {dimension})")
    lengths = np.sqrt(np.einsum("ij,ij->i", vectors, vectors))
    places = np.flatnonzero(np.isfinite(lengths) & (lengths > 0))
    units = (vectors[places] / lengths[places, None]).astype(np.float32)
    return units, places


def no_neighbours(m: int, k: int) -> tuple[np.ndarray, np.ndarray]:
    """An empty answer to m queries: (m, k) rows of -1 and scores of -inf."""
    return np.full((m, k), NO_ROW, dtype=np.int32), np.full((m, k), -np.inf, dtype=np.float32)


def ranked(units: np.ndarray, rows: np.ndarray, *, vectors: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Score candidate rows exactly and sort them: by score descending, then by row.

    Parameters
    ----------
    units
        (m, d) float32 unit queries.
    rows
        (m, c) int32 candidates of each query, -1 for none.
    vectors
        (n, d) float32 unit rows; may be memory-mapped.

    Returns
    -------
    rows and scores, both (m, c).
    """
    scores = np.empty(rows.shape, dtype=np.float32)
    step = max(1, _GATHERED_FLOATS // max(1, rows.shape[1] * units.shape[1]))
    for start in range(0, len(units), step):
        part = slice(start, start + step)
        gathered = vectors[np.maximum(rows[part], 0)]
        scores[part] = np.einsum("md,mcd->mc", units[part], gathered)
    scores[rows < 0] = -np.inf
    order = np.lexsort((rows, -scores), axis=-1)
    return np.take_along_axis(rows, order, axis=-1), np.take_along_axis(scores, order, axis=-1)
