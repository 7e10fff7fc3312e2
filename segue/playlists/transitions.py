"""The step from one song to the next, and an order of songs with small steps. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from segue.index.track_index import TrackIndex
from segue.moods.measures import DIMENSIONS, Percentiles
from segue.ranking.artist_limit import ArtistLimit

ENERGY, TEMPO = 0.25, 0.15
"""The step that the full range of energy, or of tempo, adds; the opposite direction in sound adds 1. Two
random songs differ by about .5 in sound and by a third of the range in either mood."""
_PASSES = 20
_LEAST_GAIN = 1e-12


@dataclass(frozen=True)
class Transitions:
    """Steps between the rows of an index."""

    vectors: NDArray[np.floating]
    """(n, d) unit rows."""
    moods: Percentiles | None = None
    """(n, 4) percentiles, NaN where unknown; an unknown mood adds nothing to a step."""

    def steps(self, first: Sequence[int], second: Sequence[int]) -> NDArray[np.float64]:
        """(a, b): the step from each of the first rows to each of the second; it is symmetric."""
        cosine = np.asarray(self.vectors[list(first)], np.float64) @ np.asarray(
            self.vectors[list(second)], np.float64
        ).T.reshape(-1, len(second))
        costs = np.arccos(np.clip(cosine, -1.0, 1.0)) / np.pi
        if self.moods is not None:
            for name, weight in (("energy", ENERGY), ("tempo", TEMPO)):
                column = self.moods[:, DIMENSIONS.index(name)].astype(np.float64)
                gap = np.abs(column[list(first)][:, None] - column[list(second)][None, :])
                costs += weight * np.nan_to_num(gap)
        return costs

    def along(self, rows: Sequence[int]) -> NDArray[np.float64]:
        """(len(rows) - 1,): the steps of a list."""
        return np.diagonal(self.steps(rows[:-1], rows[1:])).copy()


@dataclass(frozen=True, eq=False)
class Material:
    """The data that lists are made from, and the limit that they keep."""

    bundle: TrackIndex
    transitions: Transitions
    """Between the rows of the bundle."""
    limit: ArtistLimit


def arrange(
    rows: Sequence[int], *, transitions: Transitions, limit: ArtistLimit, before: Sequence[int] = ()
) -> list[int]:
    """Order rows with small steps.

    Starts with the nearest-neighbour order, and reverses parts while that reduces the sum of squared steps
    (2-opt). Squares make one large step cost more than several small ones.

    Parameters
    ----------
    rows
        Rows in an order that keeps the limit; it is returned if no other order keeps it.
    before
        Rows just before the list, oldest first: the first step starts from the last of them, and the limit
        also holds across the boundary.
    """
    rows = list(rows)
    if len(rows) < 2:
        return rows
    last = list(before[-1:])
    everything = [*rows, *last]
    squares = np.square(transitions.steps(everything, everything))
    start = len(rows) if last else None

    def allowed(order: list[int]) -> bool:
        return limit.holds([*before, *(rows[i] for i in order)], start=len(before))

    orders = [list(range(len(rows)))]
    if greedy := _nearest_next(rows, squares, limit=limit, before=before, start=start):
        orders.append(greedy)
    best = min(orders, key=lambda order: _total(order, squares, start))
    for _ in range(_PASSES):
        better = _turned(best, squares, start, allowed)
        if better is best:
            break
        best = better
    return [rows[i] for i in best]


def _nearest_next(
    rows: list[int],
    squares: NDArray[np.float64],
    *,
    limit: ArtistLimit,
    before: Sequence[int],
    start: int | None,
) -> list[int]:
    """Indices into `rows`, each the nearest to the one before that the limit allows; empty in a dead end."""
    left = set(range(len(rows)))
    # Without a song before, the order begins with the song that is farthest from all others.
    at = start if start is not None else int(squares[: len(rows), : len(rows)].sum(axis=1).argmax())
    order = [at] if start is None else []
    left -= set(order)
    while left:
        sequence = [*before, *(rows[i] for i in order)]
        fitting = [i for i in left if limit.fits(sequence, rows[i])]
        if not fitting:
            return []
        at = min(fitting, key=lambda i: (squares[at, i], i))
        order.append(at)
        left.remove(at)
    return order


def _total(order: Sequence[int], squares: NDArray[np.float64], start: int | None) -> float:
    whole = list(order) if start is None else [start, *order]
    return float(squares[whole[:-1], whole[1:]].sum())


def _turned(
    order: list[int],
    squares: NDArray[np.float64],
    start: int | None,
    allowed: Callable[[list[int]], bool],
) -> list[int]:
    """The order after one pass of reversals that reduce the sum; the same list if there is none."""
    for i in range(len(order)):
        for j in range(i + 1, len(order)):
            left = order[i - 1] if i else start
            right = order[j + 1] if j + 1 < len(order) else None
            gain = 0.0 if left is None else squares[left, order[i]] - squares[left, order[j]]
            gain += 0.0 if right is None else squares[order[j], right] - squares[order[i], right]
            if gain > _LEAST_GAIN:
                turned = [*order[:i], *order[i : j + 1][::-1], *order[j + 1 :]]
                if allowed(turned):
                    order = turned
    return order
