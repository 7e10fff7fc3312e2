"""What is popular now, and what is rising: from the counts of windows. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

FEWEST_LISTENINGS = 3
"""Below that a track is neither popular nor rising: one listener's evening is no trend."""


@dataclass(frozen=True)
class Heard:
    """A key's counts over some windows."""

    key: str
    plays: int
    skips: int
    listenings: int
    """Listeners, summed over the windows."""


@dataclass(frozen=True)
class Rising:
    """How much more a key is heard now than before."""

    key: str
    now: int
    """Listenings now."""
    expected: float
    """Listenings that would have been as before."""
    score: float


def popular(heard: Iterable[Heard], *, limit: int) -> list[Heard]:
    """The keys with the most listenings that were not skipped, best first; ties by key."""

    def kept(one: Heard) -> float:
        return one.listenings * (1 - one.skips / max(one.plays, 1))

    enough = [one for one in heard if one.listenings >= FEWEST_LISTENINGS and kept(one) > 0]
    return sorted(enough, key=lambda one: (-kept(one), one.key))[:limit]


def rising(now: Iterable[Heard], before: Iterable[Heard], *, limit: int) -> list[Rising]:
    """The keys whose share of all listenings has grown the most, best first; ties by key.

    The score is the distance of the listenings from those expected by the share before, in standard
    deviations of a Poisson count: (now - expected) / sqrt(expected + 1). Comparing shares makes an evening
    not rise over a night as a whole; the one under the root keeps a first listener from being a sensation.
    """
    there = list(now)
    total_now = sum(one.listenings for one in there)
    listened = {one.key: one.listenings for one in before}
    total_before = sum(listened.values())
    if not total_before:
        return []
    found = []
    for one in there:
        expected = listened.get(one.key, 0) / total_before * total_now
        score = (one.listenings - expected) / math.sqrt(expected + 1)
        if one.listenings >= FEWEST_LISTENINGS and score > 1:
            found.append(Rising(one.key, one.listenings, expected, score))
    return sorted(found, key=lambda one: (-one.score, one.key))[:limit]
