"""Radio: an endless queue of tracks that sound like one track, within the artist limit. Pure."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from segue.index.track_index import TrackIndex
from segue.ranking.artist_limit import ArtistLimit
from segue.ranking.nearby import near
from segue.ranking.reranking import spread_artists
from segue.settings import RankingSettings

DRIFT = 0.35
"""The weight of the last tracks against the seed: 0 stays at the seed, 1 ignores it."""
RECENT = 4
"""The number of last tracks that have this weight."""


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

    They are neighbours of a point between the seed and the last tracks, so that the radio varies but stays
    near the seed. A track is repeated only when no other is left; the track played longest ago comes first.

    Parameters
    ----------
    seed
        The row of the track that the radio starts from.
    played
        Rows that were played before, oldest first, with or without the seed.
    avoid
        Rows that are never chosen: the listener's dislikes.

    Returns
    -------
    `items` rows; fewer only in a library with less than that. If it has too few artists for the artist
    limit, the limit gives way.
    """
    fresh = near(
        _point(seed, played, bundle),
        bundle=bundle,
        barred={seed, *played},
        candidates=ranking.candidates,
        items=items,
    )
    again = [row for row in dict.fromkeys([seed, *played]) if row not in played[-RECENT:]]
    return spread_artists(
        (row for row in [*fresh, *again] if row not in avoid),
        ArtistLimit.of(bundle, ranking),
        items=items,
        before=played or (seed,),
    )


def _point(seed: int, played: Sequence[int], bundle: TrackIndex) -> NDArray[np.float32]:
    """The point between the seed and the last tracks."""
    point = np.array(bundle.vectors[seed], dtype=np.float32)
    if len(played):
        last = bundle.vectors[list(played[-RECENT:])].mean(axis=0)
        point = (1 - DRIFT) * point + DRIFT * last
    return point
