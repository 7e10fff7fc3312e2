"""Radio: an endless queue of what sounds like one track, never too much of one artist. Pure."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np

from segue.index.track_index import TrackIndex
from segue.ranking.reranking import ArtistLimit, folded, limit_artists, songs_of
from segue.settings import RankingSettings

DRIFT = 0.35
"""How far the last tracks pull the radio away from its seed; 0 would stay at it, 1 forget it."""
RECENT = 4
"""How many of the last tracks pull."""


def tune(
    seed: int,
    *,
    played: Sequence[int],
    bundle: TrackIndex,
    ranking: RankingSettings,
    avoid: frozenset[int],
    items: int,
) -> list[int]:
    """The next tracks of the radio.

    It looks around a point between the seed and what came last, so that it wanders, but not away. What was
    played does not come again until there is nothing else; then what was played longest ago does.

    Parameters
    ----------
    seed
        The row of the track that it begins with.
    played
        Rows, oldest first, that came before, the seed among them or not.
    avoid
        Rows that never come: what the listener dislikes.

    Returns
    -------
    `items` rows; fewer only if the library has no more that diversity allows.
    """
    heard = {seed, *played}
    near = _near(seed, played, bundle, k=min(ranking.candidates + len(heard), len(bundle.vectors)))
    fresh = _fresh(near, heard, bundle)
    if len(fresh) < items:  # a small library, or a long evening
        near = _near(seed, played, bundle, k=len(bundle.vectors))
        fresh = _fresh(near, heard, bundle)
    again = [row for row in dict.fromkeys([seed, *played]) if row not in played[-RECENT:]]
    return limit_artists(
        (row for row in [*fresh, *again] if row not in avoid),
        ArtistLimit.of(bundle.artists, ranking),
        items=items,
        before=played or (seed,),
    )


def _fresh(near: Sequence[int], heard: Collection[int], bundle: TrackIndex) -> list[int]:
    return folded(near, bundle.songs, barred=heard, taken=songs_of(heard, bundle.songs))


def _near(seed: int, played: Sequence[int], bundle: TrackIndex, *, k: int) -> list[int]:
    point = np.array(bundle.vectors[seed], dtype=np.float32)
    if len(played):
        last = bundle.vectors[list(played[-RECENT:])].mean(axis=0)
        point = (1 - DRIFT) * point + DRIFT * last
    rows, _ = bundle.neighbours.query(point[np.newaxis], k)
    return [row for row in rows[0].tolist() if row >= 0]
