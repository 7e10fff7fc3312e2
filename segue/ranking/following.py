"""Candidates by session knowledge: where the tracks that a listener has just kept lead. Pure."""

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
    same_artist: np.ndarray
    """(m,) bool: that track speaks for it by its artist, and not because listeners play it next."""
    bounds: np.ndarray
    """(listeners + 1,) int64."""


@dataclass(frozen=True)
class _Ways:
    """Ways from kept tracks to candidates, flat; several may lead to the same."""

    seeds: np.ndarray
    """(w,) int64 places among the signals."""
    rows: np.ndarray
    """(w,) int64 rows of the bundle."""
    scores: np.ndarray
    """(w,) float64."""


def no_candidates(listeners: int) -> Next:
    """For a bundle without session knowledge."""
    empty = np.empty(0, dtype=np.int64)
    return Next(empty, np.empty(0), empty, empty.astype(bool), np.zeros(listeners + 1, dtype=np.int64))


def played_next(
    signals: Signals,
    rows: np.ndarray,
    wanted: np.ndarray,
    *,
    following: Following,
    by_artist: Following | None,
    artists: np.ndarray,
    ranking: Ranking,
) -> Next:
    """Where the kept ones among each listener's last `ranking.session_tracks` tracks lead.

    A kept track leads to what listeners play after it, and to what they keep of its artist. A candidate's
    score is the sum, over the kept tracks that lead to it, of the table's score times
    ``session_decay ** heard since``, times `session_weight` or `artist_weight`; the largest of these is the
    one that it is said to come after.

    Parameters
    ----------
    rows
        (n,) the bundle's row of each signal's track, -1 where it has none.
    wanted
        (listeners,) bool: for whom. The others get nothing.
    artists
        (rows of the bundle,) the code of each row's artist, -1 unknown.
    """
    listener = np.repeat(np.arange(len(wanted)), np.diff(signals.bounds))
    kept = (signals.since < ranking.session_tracks) & signals.liked & (rows >= 0) & wanted[listener]
    seeds = np.flatnonzero(kept)
    nearness = ranking.session_decay ** signals.since[seeds]
    found = _ways(seeds, rows[seeds], ranking.session_weight * nearness, following)
    by_rule = len(found.rows)
    if by_artist is not None and ranking.artist_weight:
        known = artists[rows[seeds]] >= 0
        more = _artists_once(
            seeds[known], artists[rows[seeds]][known], nearness[known], signals.since, listener
        )
        found = _together(found, _ways(more[0], more[1], ranking.artist_weight * more[2], by_artist))
    same_artist = np.arange(len(found.rows)) >= by_rule
    who, row, scores, after = listener[found.seeds], found.rows, found.scores, found.seeds

    # All ways to each (listener, track), the best first; of equal ones that from the track heard last. The
    # order is fixed, so that a repeated batch sums up to the same float.
    order = np.lexsort((same_artist, signals.since[after], -scores, row, who))
    who, row, scores, after = who[order], row[order], scores[order], after[order]
    best = np.flatnonzero(np.r_[True, (np.diff(who) != 0) | (np.diff(row) != 0)][: len(who)])
    if len(best):
        scores = np.add.reduceat(scores, best)
    who, row, after, same_artist = who[best], row[best], after[best], same_artist[order][best]

    # The best candidates of each listener; ties by row.
    order = np.lexsort((row, -scores, who))
    rank = np.arange(len(who)) - np.searchsorted(who, who)
    order = order[rank < ranking.session_candidates]
    bounds = np.searchsorted(who[order], np.arange(len(wanted) + 1))
    return Next(row[order], scores[order], after[order], same_artist[order], bounds)


def _ways(seeds: np.ndarray, keys: np.ndarray, weights: np.ndarray, table: Following) -> _Ways:
    place, rows, scores = table.leads(keys)
    return _Ways(seeds[place], rows, scores * weights[place])


def _together(one: _Ways, other: _Ways) -> _Ways:
    return _Ways(
        np.concatenate([one.seeds, other.seeds]),
        np.concatenate([one.rows, other.rows]),
        np.concatenate([one.scores, other.scores]),
    )


def _artists_once(
    seeds: np.ndarray, artists: np.ndarray, nearness: np.ndarray, since: np.ndarray, listener: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Each listener's artists: the seed heard last, the artist, and the sum of its seeds' nearness.

    One artist's tracks in a row would otherwise lead to the same candidates again and again.
    """
    order = np.lexsort((since[seeds], artists, listener[seeds]))
    seeds, artists, nearness = seeds[order], artists[order], nearness[order]
    changes = (np.diff(listener[seeds]) != 0) | (np.diff(artists) != 0)
    first = np.flatnonzero(np.r_[True, changes][: len(seeds)])
    if not len(first):
        return seeds, artists, nearness
    return seeds[first], artists[first], np.add.reduceat(nearness, first)
