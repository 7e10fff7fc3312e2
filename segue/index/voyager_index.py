"""Voyager: a navigable small-world graph, several times faster than Annoy at the same recall.

But each process reads the whole file into its own memory (40 MB at 106,574 x 64), and building takes a minute
instead of seconds.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import voyager

from segue.index.exact import ExactIndex
from segue.index.neighbours import directions, nothing_found, ranked

FILE = "index.voyager"
_SEED = 20
_LEAST_BREADTH = 50
"""The default search breadth is never less: recall@20 .99 at 106,574 x 64, against .94 at 20."""


def build(vectors: np.ndarray, *, file: Path) -> None:
    """Build the graph over (n, d) vectors and save it; one thread, so that two builds are alike.

    Raises
    ------
    OSError
        The file cannot be written.
    """
    index = voyager.Index(
        voyager.Space.Cosine,
        num_dimensions=vectors.shape[1],
        random_seed=_SEED,
        max_elements=len(vectors),
    )
    index.add_items(np.ascontiguousarray(vectors), list(range(len(vectors))), num_threads=1)
    file.write_bytes(index.as_bytes())


class VoyagerIndex:
    """Neighbours by a Voyager graph; the scores come from the vectors."""

    def __init__(self, vectors: np.ndarray, *, file: Path, search_k: int) -> None:
        """Read the file.

        Parameters
        ----------
        vectors
            (n, d) float32 unit rows, the same that the file was built from.
        search_k
            Candidates kept during a search (Voyager's query_ef); 0 or less: as many as neighbours are asked
            for, and at least 50.

        Raises
        ------
        OSError, RuntimeError
            The file is missing or no graph.
        ValueError
            It holds another number of rows or another dimension.
        """
        self._vectors = vectors
        self._index = voyager.Index.load(str(file))
        held = (len(self._index), self._index.num_dimensions)
        if held != vectors.shape:
            raise ValueError(f"it holds {held[0]} rows of {held[1]} instead of {vectors.shape}")
        self._search_k = search_k

    def query(self, vectors: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
        """See :class:`segue.index.neighbours.NeighbourIndex`."""
        units, places = directions(vectors, dimension=self._vectors.shape[1], k=k)
        rows, scores = nothing_found(len(vectors), k)
        found = min(k, len(self._vectors))
        if found == 0 or not len(places):
            return rows, scores
        breadth = max(self._search_k if self._search_k > 0 else _LEAST_BREADTH, found)
        try:
            near, _ = self._index.query(units, found, num_threads=1, query_ef=breadth)
        except (
            voyager.RecallError
        ):  # part of the graph cannot be reached: duplicates, or nearly all rows asked for
            rows[places], scores[places] = ExactIndex(self._vectors).query(units, k)
            return rows, scores
        best = ranked(units, near.astype(np.int32), vectors=self._vectors)
        rows[places, :found], scores[places, :found] = best
        return rows, scores
