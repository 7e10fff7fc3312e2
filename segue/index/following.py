"""What listeners play after each track, as a sparse table over the rows of a bundle: mapped, not copied."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from segue.index.manifest import BundleError
from segue.index.track_ids import find_ids

FILES = ("following_bounds.npy", "following_rows.npy", "following_scores.npy")
"""The files of :class:`Following`, in its order; a bundle has all of them or none."""


@dataclass(frozen=True)
class Following:
    """Track `row` is followed by `rows[bounds[row]:bounds[row + 1]]`, the best first."""

    bounds: np.ndarray
    """(n + 1,) int64, from 0 to m, never falling."""
    rows: np.ndarray
    """(m,) int32 rows of the bundle."""
    scores: np.ndarray
    """(m,) float32 in (0, 1]."""

    def arrays(self) -> dict[str, np.ndarray]:
        """By the name of their file."""
        return dict(zip(FILES, (self.bounds, self.rows, self.scores), strict=True))

    def check(self, count: int) -> None:
        """See that it fits a bundle of so many rows.

        Raises
        ------
        BundleError
            A file is of another shape or kind, or names a row or a score that cannot be.
        """
        bounds, rows, scores = FILES
        if self.bounds.shape != (count + 1,) or self.bounds.dtype != np.int64:
            raise BundleError(f"{bounds} is {self.bounds.shape}: it must be ({count + 1},) of int64")
        size = int(self.bounds[-1])
        if self.bounds[0] != 0 or (np.diff(self.bounds) < 0).any():
            raise BundleError(f"{bounds} does not rise from 0")
        if self.rows.shape != (size,) or self.rows.dtype != np.int32:
            raise BundleError(f"{rows} is {self.rows.shape}: it must be ({size},) of int32")
        if self.scores.shape != (size,) or self.scores.dtype != np.float32:
            raise BundleError(f"{scores} is {self.scores.shape}: it must be ({size},) of float32")
        if size and not 0 <= self.rows.min() <= self.rows.max() < count:
            raise BundleError(f"{rows} names a row that is none of the {count}")
        if not ((self.scores > 0) & (self.scores <= 1)).all():
            raise BundleError(f"{scores} has a score that is not above 0 and at most 1")


def following_of(model: Mapping[str, np.ndarray], *, track_ids: np.ndarray) -> Following | None:
    """The table of a trained model over a bundle's tracks; None where no rule is between two of them.

    Parameters
    ----------
    model
        `track_ids` (k,) numpy bytes; `tracks`, `next` (m,) int32 places in it; `scores` (m,) float32.
    track_ids
        (n,) numpy bytes of the bundle, ascending.
    """
    row_of = find_ids(model["track_ids"], among=track_ids) if len(model["track_ids"]) else np.empty(0, int)
    tracks, following, scores = row_of[model["tracks"]], row_of[model["next"]], model["scores"]
    known = (tracks >= 0) & (following >= 0) & (scores > 0)
    if not known.any():
        return None
    tracks, following, scores = tracks[known], following[known], scores[known]
    order = np.lexsort((following, -scores, tracks))
    bounds = np.searchsorted(tracks[order], np.arange(len(track_ids) + 1))
    return Following(
        bounds=bounds.astype(np.int64),
        rows=following[order].astype(np.int32),
        scores=np.minimum(scores[order], 1.0).astype(np.float32),
    )
