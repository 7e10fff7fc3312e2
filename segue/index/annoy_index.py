"""Annoy: a forest of random splits in one file, which is mapped, so that all workers share one copy."""

from __future__ import annotations

from pathlib import Path

import annoy
import numpy as np

from segue.index.backend import Backend
from segue.index.items import Items
from segue.index.neighbours import NO_ROW, directions, no_neighbours, ranked
from segue.settings import AnnoySettings

_SEED = 20
_LEAST_NEIGHBOURS = 20
"""The default search breadth is at least that of this many neighbours: Annoy's own misses many at k = 1."""
_ADDED_AT_ONCE = 10_000


class AnnoyBackend(Backend[AnnoySettings]):
    """Annoy, with its settings."""

    name = "annoy"
    settings_type = AnnoySettings
    file = "index.ann"
    packages = ("annoy",)

    def build(self, vectors: np.ndarray, folder: Path) -> None:
        """Build the forest in memory, and save it.

        One thread: with several, the splits depend on their timing, and no two builds are equal. Annoy's
        build on disk is not used, since a full disk ends it with SIGBUS instead of an error.
        """
        index = annoy.AnnoyIndex(vectors.shape[1], "angular")
        index.set_seed(_SEED)
        for start in range(0, len(vectors), _ADDED_AT_ONCE):
            for row, vector in enumerate(vectors[start : start + _ADDED_AT_ONCE].tolist(), start):
                index.add_item(row, vector)
        index.build(self.settings.n_trees, n_jobs=1)
        index.save(str(folder / self.file))

    def open(self, vectors: np.ndarray, folder: Path, *, items: np.ndarray | None = None) -> AnnoyIndex:
        """Map the forest."""
        return AnnoyIndex(vectors, file=folder / self.file, search_k=self.settings.search_k, items=items)


class AnnoyIndex:
    """Neighbours by a mapped Annoy file; the scores come from the vectors."""

    def __init__(
        self, vectors: np.ndarray, *, file: Path, search_k: int, items: np.ndarray | None = None
    ) -> None:
        """Map the file.

        Parameters
        ----------
        vectors
            (n, d) float32 unit rows.
        search_k
            Nodes inspected for a query; 0 or less: trees x neighbours, and at least trees x 20.
        items
            See :meth:`segue.index.backend.Backend.open`.

        Raises
        ------
        OSError
            The file is missing or is not a forest of this dimension.
        ValueError
            The file has another number of rows.
        """
        self._vectors = vectors
        self._items = Items(items, rows=len(vectors))
        self._index = annoy.AnnoyIndex(vectors.shape[1], "angular")
        self._index.load(str(file))
        self._items.check(self._index.get_n_items())
        self.search_k = search_k

    def query(self, vectors: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
        """See :class:`segue.index.neighbours.NeighbourIndex`."""
        units, places = directions(vectors, dimension=self._vectors.shape[1], k=k)
        rows, scores = no_neighbours(len(vectors), k)
        if k == 0 or not len(places):
            return rows, scores
        wanted = self._items.to_ask_for(k)
        near = np.full((len(places), wanted), NO_ROW, dtype=np.int32)
        breadth = self.search_k
        if breadth <= 0:
            breadth = self._index.get_n_trees() * max(wanted, _LEAST_NEIGHBOURS)
        search = self._index.get_nns_by_vector
        for i, unit in enumerate(units.tolist()):
            nearest = search(unit, wanted, breadth)
            near[i, : len(nearest)] = nearest
        best, their_scores = ranked(units, self._items.rows_of(near), vectors=self._vectors)
        rows[places], scores[places] = best[:, :k], their_scores[:, :k]
        return rows, scores
