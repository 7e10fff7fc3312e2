"""From one listener's candidates to the list: re-ranked, folded, diverse, partly explored. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import chain

import numpy as np

from segue.index.track_index import TrackIndex
from segue.ranking.candidates import Candidates
from segue.ranking.diversity import ArtistLimit, limit_artists
from segue.ranking.exploring import explored
from segue.ranking.sources import VARIED
from segue.ranking.versions import folded, songs_of
from segue.settings import RankingSettings


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
    return limit_artists(rows, ArtistLimit.of(bundle.artists, ranking), items=ranking.items)


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
