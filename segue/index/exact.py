"""Exact search: every row is scored. The oracle of the others, and good enough for a small library."""

from __future__ import annotations

import numpy as np

from segue.index.neighbours import directions, nothing_found, ranked

_BLOCK_FLOATS = 1 << 24
"""Scores computed at once: 64 MB."""
_ROUNDING = np.float32(1e-6)
"""More than the matrix product and the final scoring can differ by, so that ties at the edge are all seen."""


class ExactIndex:
    """Neighbours by a blocked matrix product over all rows."""

    def __init__(self, vectors: np.ndarray) -> None:
        """`vectors` is (n, d) float32 with unit rows; it is kept, not copied."""
        self._vectors = vectors

    def query(self, vectors: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
        """See :class:`segue.index.neighbours.NeighbourIndex`."""
        count, dimension = self._vectors.shape
        units, places = directions(vectors, dimension=dimension, k=k)
        rows, scores = nothing_found(len(vectors), k)
        found = min(k, count)
        if found == 0:
            return rows, scores
        step = max(1, _BLOCK_FLOATS // count)
        for start in range(0, len(units), step):
            block = units[start : start + step]
            products = block @ self._vectors.T
            edges = np.partition(products, count - found, axis=1)[:, count - found] - _ROUNDING
            for unit, product, edge, place in zip(block, products, edges, places[start:], strict=False):
                near = np.flatnonzero(product >= edge).astype(np.int32)
                best, their_scores = ranked(unit[None], near[None], vectors=self._vectors)
                rows[place, :found] = best[0, :found]
                scores[place, :found] = their_scores[0, :found]
        return rows, scores
