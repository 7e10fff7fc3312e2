"""Diversity of a list: how often one artist may come."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np


def limit_artists(
    candidates: Iterable[int],
    artists: Sequence[int] | np.ndarray,
    *,
    items: int,
    per_artist: int,
    window: int,
    before: Sequence[int] = (),
) -> list[int]:
    """Take candidates in order; among `window` consecutive ones no artist comes over `per_artist` times.

    A candidate that would break the rule waits, and comes at the first place where it fits.

    Parameters
    ----------
    candidates
        Rows, best first.
    artists
        `artists[row]` is the artist of that row; negative means unknown, which is never limited.
    before
        The artists of what came just before the list, oldest first: the rule holds across the seam.

    Returns
    -------
    At most `items` rows; fewer where the rule leaves no more.
    """
    chosen: list[int] = []
    recent: list[int] = list(before)
    waiting: list[int] = []

    def fits(row: int) -> bool:
        artist = artists[row]
        return artist < 0 or recent[max(len(recent) - window + 1, 0) :].count(artist) < per_artist

    def take(row: int) -> None:
        chosen.append(row)
        recent.append(int(artists[row]))

    for row in candidates:
        if len(chosen) >= items:
            return chosen
        if not fits(row):
            waiting.append(row)
            continue
        take(row)
        for held in list(waiting):
            if len(chosen) < items and fits(held):
                waiting.remove(held)
                take(held)
    return chosen
