"""The kinds of index to choose from in the settings."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import numpy as np

from segue.index import annoy_index, voyager_index
from segue.index.annoy_index import AnnoyIndex
from segue.index.exact import ExactIndex
from segue.index.neighbours import NeighbourIndex
from segue.index.voyager_index import VoyagerIndex

Backend = Literal["annoy", "voyager", "exact"]

INDEX_FILE: dict[Backend, str | None] = {
    "annoy": annoy_index.FILE,
    "voyager": voyager_index.FILE,
    "exact": None,
}
"""The file of each backend in a bundle, beside the vectors; exact search needs none."""


def build_index(vectors: np.ndarray, *, backend: Backend, folder: Path, trees: int) -> None:
    """Build the backend's file over (n, d) float32 unit rows; `trees` matters to Annoy only."""
    if backend == "annoy":
        annoy_index.build(vectors, file=folder / annoy_index.FILE, trees=trees)
    elif backend == "voyager":
        voyager_index.build(vectors, file=folder / voyager_index.FILE)


def open_index(vectors: np.ndarray, *, backend: Backend, folder: Path, search_k: int) -> NeighbourIndex:
    """Open the backend's file over the vectors that it was built from.

    Raises
    ------
    OSError, RuntimeError, ValueError
        The file is missing, unreadable, or not of these vectors.
    """
    if backend == "annoy":
        return AnnoyIndex(vectors, file=folder / annoy_index.FILE, search_k=search_k)
    if backend == "voyager":
        return VoyagerIndex(vectors, file=folder / voyager_index.FILE, search_k=search_k)
    return ExactIndex(vectors)
