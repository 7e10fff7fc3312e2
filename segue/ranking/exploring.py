"""A share of a list is drawn from further neighbours, so that a taste does not close in on itself. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np

from segue.settings import Ranking

AS_THEY_ARE = 4
"""The first quarter of a list (items by this) is never explored: what comes next should fit."""
BEYOND = 2
"""Further neighbours begin after so many lists of candidates."""


def explored(
    chosen: Sequence[int], candidates: Sequence[int], *, ranking: Ranking, seed: str
) -> tuple[list[int], frozenset[int]]:
    """Put further candidates into places of a list.

    Parameters
    ----------
    chosen
        The list: rows, best first.
    candidates
        Rows that may be recommended, best first; those beyond the first two lists are drawn from.
    seed
        The same seed draws the same, so that a repeated batch repeats its list.

    Returns
    -------
    The longer list, and the rows that were drawn: `ranking.exploration` of `ranking.items`, as far as there
    are candidates that far off.
    """
    first = ranking.items // AS_THEY_ARE
    count = min(round(ranking.exploration * ranking.items), ranking.items - first)
    there = frozenset(chosen)
    further = [row for row in candidates[BEYOND * ranking.items :] if row not in there] if count else []
    count = min(count, len(further))
    if not count:
        return list(chosen), frozenset()
    rng = np.random.default_rng(int.from_bytes(hashlib.blake2b(seed.encode(), digest_size=8).digest()))
    drawn = [further[i] for i in rng.choice(len(further), size=count, replace=False).tolist()]
    woven = list(chosen)
    # In rising order, so that each ends up at its place.
    places = np.sort(first + rng.choice(ranking.items - first, size=count, replace=False))
    for place, row in zip(places.tolist(), drawn, strict=True):
        woven.insert(place, row)
    return woven, frozenset(drawn)
