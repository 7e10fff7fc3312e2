"""From one listener's candidates to the list: re-ranked, folded, diverse, partly explored. Pure."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain

import numpy as np

from segue.index.track_index import TrackIndex
from segue.ranking.candidates import Candidates
from segue.ranking.diversity import ArtistLimit, folded, limit_artists, songs_of
from segue.ranking.sources import VARIED
from segue.settings import RankingSettings

AS_THEY_ARE = 4
"""The first quarter of a list (items by this) is never explored: what comes next should fit."""
BEYOND = 2
"""Further neighbours begin after so many lists of candidates."""


def rerank(
    candidates: Candidates,
    *,
    barred: frozenset[int],
    bundle: TrackIndex,
    ranking: RankingSettings,
    feedback: Mapping[int, float],
    seed: str,
) -> tuple[list[int], frozenset[int]]:
    """The listener's list, and which rows of it explore.

    In order of similarity, what the other sources add and feedback together; without what is barred; of
    several versions of a song the best; some drawn from further off; and no artist too often. Where the
    candidates run out (a small library, a long listener), the varied selection goes on.

    Parameters
    ----------
    feedback
        Row -> how far all listeners' feedback moves it (:mod:`segue.ranking.feedback`).
    seed
        The same seed explores alike.
    """
    scores = candidates.scores
    if feedback:
        scores += [feedback.get(row, 0.0) for row in candidates.rows.tolist()]
    taken = songs_of(barred, bundle.songs)
    ordered = candidates.rows[np.argsort(-scores, kind="stable")]
    near = folded(ordered, bundle.songs, barred=barred, taken=taken)
    varied = _varied(bundle, candidates.place_of, feedback, barred=barred, taken=taken)
    chosen = _limited(chain(near, varied), bundle, ranking)
    woven, drawn = explored(chosen, near, ranking=ranking, seed=seed)
    return (_limited(woven, bundle, ranking) if drawn else chosen), drawn


def _limited(rows: Iterable[int], bundle: TrackIndex, ranking: RankingSettings) -> list[int]:
    return limit_artists(rows, ArtistLimit.of(bundle.artists, ranking), items=ranking.list_length)


def _varied(
    bundle: TrackIndex,
    candidates: Mapping[int, int],
    feedback: Mapping[int, float],
    *,
    barred: frozenset[int],
    taken: set[int],
) -> Iterator[int]:
    """The varied selection in its order, what most skip at its end; folded.

    Most lists are full before it: nothing is done until its first row is asked for.
    """
    others = [row for row in VARIED.rows(bundle) if row not in candidates]
    others.sort(key=lambda row: feedback.get(row, 0.0) < 0)
    yield from folded(others, bundle.songs, barred=barred, taken=taken)


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
    first = ranking.list_length // AS_THEY_ARE
    count = min(round(ranking.exploration_share * ranking.list_length), ranking.list_length - first)
    there = frozenset(chosen)
    further = [row for row in candidates[BEYOND * ranking.list_length :] if row not in there] if count else []
    count = min(count, len(further))
    if not count:
        return list(chosen), frozenset()
    chance = random.Random(hashlib.blake2b(seed.encode(errors="surrogatepass"), digest_size=8).digest())
    drawn = chance.sample(further, count)
    woven = list(chosen)
    # In rising order, so that each ends up at its place.
    for place, row in zip(
        sorted(chance.sample(range(first, ranking.list_length), count)), drawn, strict=True
    ):
        woven.insert(place, row)
    return woven, frozenset(drawn)
