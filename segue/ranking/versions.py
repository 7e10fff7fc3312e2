"""Versions of one song (live, remaster, radio edit): of each song a list has one. Pure."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np


def songs_of(rows: Collection[int], songs: np.ndarray) -> set[int]:
    """The songs that rows of the bundle are versions of; `songs` is the bundle's, -1: no others."""
    return set(songs[list(rows)].tolist()) - {-1} if rows else set()


def folded(
    rows: Sequence[int] | np.ndarray, songs: np.ndarray, *, barred: Collection[int], taken: set[int]
) -> list[int]:
    """Rows in their order without those barred; of the versions of a song the first, and none in `taken`.

    Adds to `taken`. Some hundred rows: a plain loop is faster here than numpy's sets.
    """
    places = np.asarray(rows, dtype=np.int64)
    kept = []
    for row, song in zip(places.tolist(), songs[places].tolist(), strict=True):
        if row in barred or song in taken:
            continue
        if song >= 0:
            taken.add(song)
        kept.append(row)
    return kept
