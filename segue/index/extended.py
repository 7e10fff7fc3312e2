"""An index that was extended: the file of an earlier bundle, and exact search of the tracks that it lacks.

Building a forest over 106,574 tracks takes tens of seconds. A pass for a few new songs keeps the forest of
the last complete build and scores the new songs one by one, which takes less time than a search of the
forest as long as they are few. :func:`items_after` decides whether they are.
"""

from __future__ import annotations

import numpy as np

from segue.index.exact import ExactIndex
from segue.index.neighbours import NO_ROW, NeighbourIndex
from segue.index.track_ids import find_ids
from segue.index.track_index import TrackIndex

MOST_REMOVED = 500
"""Removed items that the file may still hold. Each query asks for as many more neighbours."""


class ExtendedIndex:
    """Neighbours in a backend's file and among the rows that the file lacks."""

    def __init__(self, base: NeighbourIndex, vectors: np.ndarray, added: np.ndarray) -> None:
        """Combine two searches.

        Parameters
        ----------
        base
            Finds rows among all but the added ones.
        vectors
            (n, d) float32 unit rows.
        added
            (a,) int32 rows that `base` lacks.
        """
        self._base = base
        self._added = np.asarray(added, dtype=np.int32)
        self._exact = ExactIndex(np.ascontiguousarray(vectors[self._added])) if len(added) else None

    def query(self, vectors: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
        """See :class:`segue.index.neighbours.NeighbourIndex`."""
        rows, scores = self._base.query(vectors, k)
        if self._exact is None:
            return rows, scores
        places, their_scores = self._exact.query(vectors, k)
        found = np.where(places == NO_ROW, np.int32(NO_ROW), self._added[places])
        # A removed item may have the row -1 before the end of the list: its score is -inf, so it goes last.
        rows, scores = np.hstack([rows, found]), np.hstack([scores, their_scores])
        order = np.lexsort((rows, -scores), axis=-1)[:, :k]
        return np.take_along_axis(rows, order, axis=-1), np.take_along_axis(scores, order, axis=-1)


def added_rows(items: np.ndarray, *, count: int) -> np.ndarray:
    """(a,) int32: the rows, of `count`, that no item of the file is."""
    missing = np.ones(count, dtype=bool)
    missing[items[items != NO_ROW]] = False
    return np.flatnonzero(missing).astype(np.int32)


def items_after(
    former: TrackIndex, *, vectors: np.ndarray, track_ids: np.ndarray, most: float
) -> np.ndarray | None:
    """The items of a former index's file as rows of the present tracks, if it can be extended.

    An item whose track is gone or has another vector is removed; a track with another vector counts as added.

    Parameters
    ----------
    former
        The index to extend, itself complete or extended.
    vectors, track_ids
        The present tracks: (n, d) float32 and (n,) bytes.
    most
        The largest share of the tracks that may be added.

    Returns
    -------
    (b,) int32, or None if a complete index is due: too many tracks are added or removed.
    """
    if former.vectors.shape[1] != vectors.shape[1]:
        return None
    rows = find_ids(former.track_ids, among=track_ids).astype(np.int32)
    known = np.flatnonzero(rows != NO_ROW)
    other = (former.vectors[known] != vectors[rows[known]]).any(axis=1)
    rows[known[other]] = NO_ROW
    items = rows
    if former.indexed_rows is not None:
        before = former.indexed_rows
        items = np.where(before == NO_ROW, np.int32(NO_ROW), rows[before])
    removed = int((items == NO_ROW).sum())
    added = len(track_ids) - (len(items) - removed)
    if removed > min(MOST_REMOVED, len(items) // 2) or added > most * len(track_ids):
        return None
    return items
