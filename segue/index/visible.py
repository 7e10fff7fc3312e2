"""An index without the tracks that a listener may not see.

Rows keep their numbers, so that columns and feedback still fit. Neighbours are searched exactly among the
visible rows: an approximate search would spend its candidates on the hidden ones.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Generic, TypeVar

import numpy as np

from segue.index.cold_start import varied_selection
from segue.index.exact import ExactIndex
from segue.index.neighbours import NO_ROW
from segue.index.track_index import TrackIndex
from segue.index.transition_rules import RuleTable

IndexT = TypeVar("IndexT", bound=TrackIndex)
Libraries = frozenset[str]
_KEPT = 8
"""Views that are kept: one for each group of listeners who see the same libraries."""


def without(index: IndexT, track_ids: Iterable[str]) -> IndexT:
    """The index without some tracks: they have no row, are not neighbours, and follow no other track."""
    rows = index.rows(list(track_ids))
    hidden = np.zeros(len(index.track_ids), dtype=bool)
    hidden[rows[rows >= 0]] = True
    if not hidden.any():
        return index
    return replace(
        index,
        hidden=hidden,
        neighbours=_VisibleNeighbours(index.vectors, np.flatnonzero(~hidden)),
        cold_start=_selection(index, hidden),
        transition_rules=_visible_rules(index.transition_rules, hidden),
        artist_tracks=_visible_rules(index.artist_tracks, hidden),
    )


class _VisibleNeighbours:
    """Exact search among some rows of an index."""

    def __init__(self, vectors: np.ndarray, rows: np.ndarray) -> None:
        self._rows = rows.astype(np.int32)
        self._exact = ExactIndex(np.asarray(vectors[rows]))

    def query(self, vectors: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
        """See :class:`segue.index.neighbours.NeighbourIndex`."""
        places, scores = self._exact.query(vectors, k)
        if len(self._rows):
            found = places != NO_ROW
            places[found] = self._rows[places[found]]
        return places, scores


def _selection(index: TrackIndex, hidden: np.ndarray) -> np.ndarray:
    """The varied selection of the visible rows; rows of a further selection replace the hidden ones."""
    chosen: np.ndarray = index.cold_start[~hidden[index.cold_start]]
    rows, lost = np.flatnonzero(~hidden), len(index.cold_start) - len(chosen)
    if not lost or not len(rows):
        return chosen
    vectors, artists = np.asarray(index.vectors[rows]), np.asarray(index.artists[rows])
    more = rows[varied_selection(vectors, artists, size=len(index.cold_start))]
    further = more[~np.isin(more, chosen)][:lost]
    return np.concatenate([chosen, further], dtype=np.int32, casting="unsafe")


def _visible_rules(table: RuleTable | None, hidden: np.ndarray) -> RuleTable | None:
    if table is None:
        return None
    kept = ~hidden[table.rows]
    bounds = np.concatenate([[0], np.cumsum(kept)])[table.bounds].astype(np.int64)
    return RuleTable(bounds=bounds, rows=table.rows[kept], scores=table.scores[kept])


class VisibleIndexes(Generic[IndexT]):
    """The views of the index in use; safe for use by several threads.

    A view is made once for each version and set of hidden libraries. A track that changes its library is
    hidden with the next version of the index.
    """

    def __init__(self, tracks_of: Callable[[Libraries], Iterable[str]]) -> None:
        """`tracks_of` reads the ids of the tracks of libraries."""
        self._tracks_of = tracks_of
        self._lock = threading.Lock()
        self._views: dict[tuple[str, Libraries], IndexT] = {}

    def of(self, index: IndexT, hidden: Libraries) -> IndexT:
        """The index without the tracks of the hidden libraries; the index itself if there are none."""
        if not hidden:
            return index
        with self._lock:
            key = (index.version, hidden)
            view = self._views.pop(key, None)
            if view is None:
                current = {known: each for known, each in self._views.items() if known[0] == index.version}
                self._views = dict(list(current.items())[-(_KEPT - 1) :])
                view = without(index, self._tracks_of(hidden))
            self._views[key] = view
            return view
