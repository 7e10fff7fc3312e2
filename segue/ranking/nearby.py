"""Tracks near a point of the space of an index: of a radio, or of songs and a taste. Pure."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np
from numpy.typing import NDArray

from segue.index.track_index import TrackIndex
from segue.ranking.artist_limit import ArtistLimit
from segue.ranking.reranking import folded, songs_of, spread_artists
from segue.settings import RankingSettings

TASTE_SHARE = 0.35
"""The weight of a listener's taste against the seeds: 0 gives the same tracks to everybody."""


def near(
    point: NDArray[np.float32],
    *,
    bundle: TrackIndex,
    barred: Collection[int],
    candidates: int,
    items: int,
) -> list[int]:
    """Rows near a point, the nearest first, without barred ones and other recordings of their songs.

    `candidates` neighbours are looked at; if fewer than `items` of them are left, the whole index is.
    """
    taken, every = songs_of(barred, bundle.songs), len(bundle.vectors)
    found: list[int] = []
    for count in (min(max(candidates, 4 * items) + len(barred), every), every):
        rows, _ = bundle.neighbours.query(point[np.newaxis], count)
        found = folded(
            [row for row in rows[0].tolist() if row >= 0], bundle.songs, barred=barred, taken=taken
        )
        if len(found) >= items:
            break
    return found


def mean(rows: Sequence[int], bundle: TrackIndex) -> NDArray[np.float32]:
    """The mean of the vectors of rows, at unit length."""
    total = np.asarray(bundle.vectors[list(rows)], dtype=np.float32).mean(axis=0)
    return np.asarray(total / max(float(np.linalg.norm(total)), 1e-9), dtype=np.float32)


def similar(
    seeds: Sequence[int],
    *,
    taste: NDArray[np.float32] | None,
    bundle: TrackIndex,
    ranking: RankingSettings,
    barred: Collection[int],
    items: int,
) -> list[int]:
    """Rows near others and near a listener's taste, within the artist limit.

    They are neighbours of a point between the seeds and the taste. So each play and each skip changes them.

    Parameters
    ----------
    seeds
        Rows: one song, or those of an album or artist. They are not among the result.
    taste
        Shape (dimension,), unit length; None for a listener without one.
    barred
        Rows that are never chosen: those just heard, skipped or disliked.
    """
    point = mean(seeds, bundle)
    if taste is not None:
        point = (1 - TASTE_SHARE) * point + TASTE_SHARE * np.asarray(taste, dtype=np.float32)
    found = near(point, bundle=bundle, barred={*seeds, *barred}, candidates=ranking.candidates, items=items)
    return spread_artists(found, ArtistLimit.of(bundle, ranking), items=items, before=tuple(seeds))
