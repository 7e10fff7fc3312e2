"""Exact search: every row is scored. The reference of the other backends; fast enough for a small library."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from segue.index.backend import Backend
from segue.index.neighbours import directions, no_neighbours, ranked
from segue.settings import ExactSettings

_BLOCK_FLOATS = 1 << 24
"""Scores computed at once: 64 MB."""
_ROUNDING = np.float32(1e-6)
"""More than the matrix product and the final scoring can differ by, so that no tie at the limit is missed."""


class ExactBackend(Backend[ExactSettings]):
    """Exact search: it has no settings and needs no file."""

    name = "exact"
    settings_type = ExactSettings
    file = None

    @property
    def version_key(self) -> list[Any]:
        """Zeros in place of Annoy's settings, so that versions of older releases stay the same."""
        return [0, 0]

    def build(self, vectors: np.ndarray, folder: Path) -> None:
        """Nothing to build."""

    def open(self, vectors: np.ndarray, folder: Path, *, items: np.ndarray | None = None) -> ExactIndex:
        """Search the vectors themselves."""
        return ExactIndex(vectors)


class ExactIndex:
    """Neighbours by a blocked matrix product over all rows."""

    def __init__(self, vectors: np.ndarray) -> None:
        """`vectors` is (n, d) float32 with unit rows; it is kept, not copied."""
        self._vectors = vectors

    def query(self, vectors: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
        """See :class:`segue.index.neighbours.NeighbourIndex`."""
        size, dimension = self._vectors.shape
        units, places = directions(vectors, dimension=dimension, k=k)
        rows, scores = no_neighbours(len(vectors), k)
        count = min(k, size)
        if count == 0:
            return rows, scores
        step = max(1, _BLOCK_FLOATS // size)
        for start in range(0, len(units), step):
            block = units[start : start + step]
            products = block @ self._vectors.T
            edges = np.partition(products, size - count, axis=1)[:, size - count] - _ROUNDING
            for unit, product, edge, place in zip(block, products, edges, places[start:], strict=False):
                near = np.flatnonzero(product >= edge).astype(np.int32)
                best, their_scores = ranked(unit[None], near[None], vectors=self._vectors)
                rows[place, :count] = best[0, :count]
                scores[place, :count] = their_scores[0, :count]
        return rows, scores
