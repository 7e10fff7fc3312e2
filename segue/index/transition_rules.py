"""Transition rules as sparse tables over the rows of a bundle: mapped, not copied.

One table has the tracks that listeners play after each track, another the tracks of each artist with positive
signals of most listeners. Their files are named `following_…` and `by_artist_…`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from segue.index.manifest import BundleError
from segue.index.track_ids import find_ids

MOST_OF_ARTIST = 50
"""The number of tracks of an artist in the table."""


@dataclass(frozen=True)
class RuleTable:
    """Key `k`, a row or an artist code, has the entries `rows[bounds[k]:bounds[k + 1]]`, the best first."""

    bounds: np.ndarray
    """(keys + 1,) int64, from 0 to m, never falling."""
    rows: np.ndarray
    """(m,) int32 rows of the bundle."""
    scores: np.ndarray
    """(m,) float32 in (0, 1]."""

    @staticmethod
    def files(stem: str) -> tuple[str, str, str]:
        """The files of a table in a bundle, in the order of the fields; their names begin with `stem`."""
        return f"{stem}_bounds.npy", f"{stem}_rows.npy", f"{stem}_scores.npy"

    def leads(self, keys: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """The entries of keys, flat: (m,) indices into `keys`, the rows, and the scores."""
        first, end = self.bounds[keys], self.bounds[keys + 1]
        length = end - first
        place = np.arange(length.sum()) + np.repeat(first - np.cumsum(length) + length, length)
        return np.repeat(np.arange(len(keys)), length), self.rows[place].astype(np.int64), self.scores[place]

    def check(self, count: int, *, keys: int, stem: str = "following") -> None:
        """Check that the table fits a bundle of `count` rows, with `keys` keys.

        Raises
        ------
        BundleError
            A file has another shape or dtype, or an invalid row or score.
        """
        bounds, rows, scores = self.files(stem)
        if self.bounds.shape != (keys + 1,) or self.bounds.dtype != np.int64:
            raise BundleError(f"{bounds} is {self.bounds.shape}: it must be ({keys + 1},) of int64")
        size = int(self.bounds[-1])
        if self.bounds[0] != 0 or (np.diff(self.bounds) < 0).any():
            raise BundleError(f"{bounds} does not rise from 0")
        if self.rows.shape != (size,) or self.rows.dtype != np.int32:
            raise BundleError(f"{rows} is {self.rows.shape}: it must be ({size},) of int32")
        if self.scores.shape != (size,) or self.scores.dtype != np.float32:
            raise BundleError(f"{scores} is {self.scores.shape}: it must be ({size},) of float32")
        if size and not 0 <= self.rows.min() <= self.rows.max() < count:
            raise BundleError(f"{rows} names a row that is not one of the {count}")
        if not ((self.scores > 0) & (self.scores <= 1)).all():
            raise BundleError(f"{scores} has a score that is not above 0 and at most 1")


def transition_rules_of(model: Mapping[str, np.ndarray], *, track_ids: np.ndarray) -> RuleTable | None:
    """The table of a trained model over a bundle's tracks; None if no rule connects two of them.

    Parameters
    ----------
    model
        `track_ids` (k,) numpy bytes; `tracks`, `next` (m,) int32 indices into it; `scores` (m,) float32.
    track_ids
        (n,) numpy bytes of the bundle, ascending.
    """
    row_of = find_ids(model["track_ids"], among=track_ids) if len(model["track_ids"]) else np.empty(0, int)
    tracks, next_rows, scores = row_of[model["tracks"]], row_of[model["next"]], model["scores"]
    known = (tracks >= 0) & (next_rows >= 0) & (scores > 0)
    if not known.any():
        return None
    tracks, next_rows, scores = tracks[known], next_rows[known], scores[known]
    order = np.lexsort((next_rows, -scores, tracks))
    bounds = np.searchsorted(tracks[order], np.arange(len(track_ids) + 1))
    return RuleTable(
        bounds=bounds.astype(np.int64),
        rows=next_rows[order].astype(np.int32),
        scores=np.minimum(scores[order], 1.0).astype(np.float32),
    )


def artist_tracks_of(
    model: Mapping[str, np.ndarray],
    *,
    track_ids: np.ndarray,
    artists: np.ndarray,
    others: np.ndarray | None = None,
    most: int = MOST_OF_ARTIST,
) -> RuleTable | None:
    """Each artist's tracks, those with positive signals of most listeners first; None without known artists.

    The score is the square root of a track's listeners divided by those of the artist's best track. Half a
    listener is added to each, so that tracks without plays stay in the table.

    Parameters
    ----------
    model
        `track_ids` (k,) numpy bytes, at least one; `listeners` (k,) int32: those with positive signals on
        each.
    artists
        (n,) int32 codes of the bundle's rows, -1 unknown.
    others
        (p, 2) int32: (row, code) of further artists of rows.
    """
    rows = np.flatnonzero(artists >= 0)
    artist = artists[rows]
    if others is not None:
        rows, artist = np.concatenate([rows, others[:, 0]]), np.concatenate([artist, others[:, 1]])
    if not len(rows):
        return None
    place = find_ids(track_ids[rows], among=model["track_ids"])
    listeners = np.where(place >= 0, model["listeners"][place], 0) + 0.5
    largest = np.zeros(int(artist.max()) + 1)
    np.maximum.at(largest, artist, listeners)
    scores = np.sqrt(listeners / largest[artist])
    order = np.lexsort((rows, -scores, artist))
    rank = np.arange(len(rows)) - np.searchsorted(artist[order], artist[order])
    order = order[rank < most]
    bounds = np.searchsorted(artist[order], np.arange(len(largest) + 1))
    return RuleTable(
        bounds=bounds.astype(np.int64),
        rows=rows[order].astype(np.int32),
        scores=scores[order].astype(np.float32),
    )
