"""A share of a list is drawn from further neighbours, so that a taste does not close in on itself. Pure."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Sequence

from segue.settings import RankingSettings

AS_THEY_ARE = 4
"""The first quarter of a list (items by this) is never explored: what comes next should fit."""
BEYOND = 2
"""Further neighbours begin after so many lists of candidates."""


def explored(
    chosen: Sequence[int], candidates: Sequence[int], *, ranking: RankingSettings, seed: str
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
    chance = random.Random(hashlib.blake2b(seed.encode(errors="surrogatepass"), digest_size=8).digest())
    drawn = chance.sample(further, count)
    woven = list(chosen)
    # In rising order, so that each ends up at its place.
    for place, row in zip(sorted(chance.sample(range(first, ranking.items), count)), drawn, strict=True):
        woven.insert(place, row)
    return woven, frozenset(drawn)
