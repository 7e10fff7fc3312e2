"""Candidates by session knowledge: what listeners play after the tracks that one has just kept. Pure."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from segue.index.following import Following
from segue.settings import Ranking
from segue.taste.vector import Signals


@dataclass(frozen=True)
class Next:
    """Candidates of several listeners, flat: listener `i` owns `bounds[i]:bounds[i + 1]`, best first."""

    rows: np.ndarray
    """(m,) int64 rows of the bundle; of one listener all different."""
    scores: np.ndarray
    """(m,) float64 above 0."""
    after: np.ndarray
    """(m,) int64: the place among the signals of the kept track that speaks most for each."""
    bounds: np.ndarray
    """(listeners + 1,) int64."""


def no_candidates(listeners: int) -> Next:
    """For a bundle without session knowledge."""
    empty = np.empty(0, dtype=np.int64)
    return Next(empty, np.empty(0), empty, np.zeros(listeners + 1, dtype=np.int64))


def played_next(
    signals: Signals, rows: np.ndarray, wanted: np.ndarray, *, following: Following, ranking: Ranking
) -> Next:
    """What comes after the kept ones among each listener's last `ranking.session_tracks` tracks.

    A candidate's score is the sum, over the kept tracks that lead to it, of the rule's score times
    ``session_decay ** heard since``; the largest of these is the one that it is said to come after.

    Parameters
    ----------
    rows
        (n,) the bundle's row of each signal's track, -1 where it has none.
    wanted
        (listeners,) bool: for whom. The others get nothing.
    """
    listener = np.repeat(np.arange(len(wanted)), np.diff(signals.bounds))
    kept = (signals.since < ranking.session_tracks) & (signals.weights > 0) & (rows >= 0) & wanted[listener]
    seeds = np.flatnonzero(kept)
    first, end = following.bounds[rows[seeds]], following.bounds[rows[seeds] + 1]
    length = end - first
    place = np.arange(length.sum()) + np.repeat(first - np.cumsum(length) + length, length)
    found = following.rows[place].astype(np.int64)
    nearness = ranking.session_decay ** signals.since[seeds]
    scores = following.scores[place] * np.repeat(nearness, length)
    who, after = np.repeat(listener[seeds], length), np.repeat(seeds, length)

    # All ways to each (listener, track), the best first; of equal ones that from the track heard last. The
    # order is fixed, so that a repeated batch sums up to the same float.
    order = np.lexsort((np.repeat(signals.since[seeds], length), -scores, found, who))
    who, found, scores, after = who[order], found[order], scores[order], after[order]
    best = np.flatnonzero(np.r_[True, (np.diff(who) != 0) | (np.diff(found) != 0)][: len(who)])
    if len(best):
        scores = np.add.reduceat(scores, best)
    who, found, after = who[best], found[best], after[best]

    # The best candidates of each listener; ties by row.
    order = np.lexsort((found, -scores, who))
    rank = np.arange(len(who)) - np.searchsorted(who, who)
    order = order[rank < ranking.session_candidates]
    bounds = np.searchsorted(who[order], np.arange(len(wanted) + 1))
    return Next(found[order], scores[order], after[order], bounds)
