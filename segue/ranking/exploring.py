"""A share of a list is drawn from further neighbours, so that a taste does not close in on itself. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence

import numpy as np

from segue.settings import Ranking

AS_THEY_ARE = 4
"""The first quarter of a list (items by this) is never explored: what comes next should fit."""
BEYOND = 2
"""Further neighbours begin after so many lists of candidates."""


def explored(candidates: Sequence[int], *, ranking: Ranking, seed: str) -> tuple[list[int], frozenset[int]]:
    """Put further candidates into places of the list.

    Parameters
    ----------
    candidates
        Rows that may be recommended, best first.
    seed
        The same seed draws the same, so that a repeated batch repeats its list.

    Returns
    -------
    The rows in their new order, and those that were drawn: `ranking.exploration` of `ranking.items`, as
    far as there are candidates beyond the first two lists.
    """
    further = candidates[BEYOND * ranking.items :]
    first = ranking.items // AS_THEY_ARE
    count = min(round(ranking.exploration * ranking.items), len(further), ranking.items - first)
    if not count:
        return list(candidates), frozenset()
    rng = np.random.default_rng(int.from_bytes(hashlib.blake2b(seed.encode(), digest_size=8).digest()))
    drawn = [further[i] for i in rng.choice(len(further), size=count, replace=False).tolist()]
    places = frozenset((first + rng.choice(ranking.items - first, size=count, replace=False)).tolist())
    return list(_woven(candidates, drawn, places)), frozenset(drawn)


def _woven(candidates: Sequence[int], drawn: list[int], places: frozenset[int]) -> Iterator[int]:
    out = frozenset(drawn)
    rest, chosen = iter([row for row in candidates if row not in out]), iter(drawn)
    for place in range(len(candidates)):
        yield next(chosen) if place in places else next(rest)
