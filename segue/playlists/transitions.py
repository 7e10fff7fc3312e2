"""How far one song is from the next, and the order in which songs go best after each other. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from segue.index.track_index import TrackIndex
from segue.moods.measures import DIMENSIONS, Percentiles
from segue.ranking.reranking import ArtistLimit

ENERGY, TEMPO = 0.25, 0.15
"""What the whole range of energy, or of tempo, adds to a step; the opposite direction in sound adds 1. Two
songs taken at random are near .5 in sound and a third apart in either mood."""
_PASSES = 20
_LEAST_GAIN = 1e-12


@dataclass(frozen=True)
class Transitions:
    """Steps between the rows of an index."""

    vectors: NDArray[np.floating]
    """(n, d) unit rows."""
    moods: Percentiles | None = None
    """(n, 4) percentiles, NaN where not known; an unknown mood adds nothing to a step."""

    def steps(self, first: Sequence[int], second: Sequence[int]) -> NDArray[np.float64]:
        """(a, b): how far it is from each of the first rows to each of the second; the same both ways."""
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
    """What lists are made from, and the rule that they keep."""

    bundle: TrackIndex
    transitions: Transitions
    """Between the rows of the bundle."""
    limit: ArtistLimit


def arrange(
    rows: Sequence[int], *, transitions: Transitions, limit: ArtistLimit, before: Sequence[int] = ()
) -> list[int]:
    """The same rows in an order with small steps.

    From the nearest to the next nearest, then parts are turned round as long as that makes the sum of squared
    steps smaller (2-opt), so that one large step costs more than several small ones.

    Parameters
    ----------
    rows
        In an order that keeps the limit; it is taken as it is where no other does.
    before
        Rows that come just before, oldest first: the first step goes from the last of them, and the limit
        holds across the seam.
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
    """Places in `rows`, each the nearest to the one before that the limit allows; empty in a dead end."""
    left = set(range(len(rows)))
    # Without a song before it begins at the edge: with the one that is farthest from all others.
    at = start if start is not None else int(squares[: len(rows), : len(rows)].sum(axis=1).argmax())
    order = [at] if start is None else []
    left -= set(order)
    while left:
        so_far = [*before, *(rows[i] for i in order)]
        fitting = [i for i in left if limit.fits(so_far, rows[i])]
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
    """The order after one pass of turning parts round where that helps; the same list where nothing does."""
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
