"""A varied selection of the catalogue, for a cold start."""

from __future__ import annotations

import numpy as np

_SAMPLED_FROM = 100_000
_SAMPLE = 20_000
_SEED = 20


def varied_selection(
    vectors: np.ndarray, artists: np.ndarray, *, popularity: np.ndarray | None = None, size: int
) -> np.ndarray:
    """Pick rows that are far apart: each is the farthest from those before it, so that any start is varied.

    Greedy k-centre (Gonzalez 1985, "Clustering to minimize the maximum intercluster distance") by cosine,
    with one row of each artist before any artist is repeated. Of 100,000 tracks and more, 20,000 are
    considered: the most popular ones, or a seeded sample.

    Parameters
    ----------
    vectors
        (n, d) float32 unit rows.
    artists
        (n,) artist codes; each row with a negative code counts as a separate artist.
    popularity
        (n,) any measure; the selection begins with the highest. None: it begins with the row nearest to the
        mean.
    size
        The number of rows, at least 0.

    Returns
    -------
    (min(size, n),) int32 rows, all different, the same for the same input.
    """
    considered = _considered(len(vectors), popularity, at_least=size)
    near = np.ascontiguousarray(vectors[considered], dtype=np.float32)
    groups = _groups(artists[considered])
    similarity = np.full(len(near), -np.inf, dtype=np.float32)  # to the nearest row that has been picked
    times_picked = np.zeros(len(near), dtype=np.int32)  # of the row's artist
    free = np.ones(len(near), dtype=bool)
    chosen: list[int] = []
    for _ in range(min(size, len(near))):
        eligible = free & (times_picked == times_picked[free].min())
        if chosen:
            pick = int(np.argmin(np.where(eligible, similarity, np.inf)))
        else:
            pick = _first(near, None if popularity is None else popularity[considered])
        chosen.append(pick)
        free[pick] = False
        times_picked[groups == groups[pick]] += 1
        np.maximum(similarity, near @ near[pick], out=similarity)
    return considered[chosen].astype(np.int32)


def _considered(count: int, popularity: np.ndarray | None, *, at_least: int) -> np.ndarray:
    """(c,) int64 rows, ascending."""
    sample = max(_SAMPLE, at_least)
    if count < _SAMPLED_FROM or count <= sample:
        return np.arange(count)
    if popularity is None:
        return np.sort(np.random.default_rng(_SEED).choice(count, size=sample, replace=False))
    return np.sort(np.argsort(-popularity, kind="stable")[:sample])


def _groups(artists: np.ndarray) -> np.ndarray:
    """(c,) int64 codes, a separate one for each row of an unknown artist."""
    own = -1 - np.arange(len(artists))
    return np.where(artists < 0, own, artists)


def _first(vectors: np.ndarray, popularity: np.ndarray | None) -> int:
    if popularity is not None:
        return int(np.argmax(popularity))
    return int(np.argmax(vectors @ vectors.mean(axis=0)))
