"""The match of two tastes, and tracks for both. Pure."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np

from segue.index.track_index import TrackIndex
from segue.ranking.artist_limit import ArtistLimit
from segue.ranking.reranking import spread_artists
from segue.settings import RankingSettings


def match(first: np.ndarray, other: np.ndarray) -> float | None:
    """The match of two tastes, in [0, 1]: their cosine, at least 0; None if either has no taste yet.

    Parameters
    ----------
    first, other
        Shape (d,), of unit length or zeros, in the same embedding space.
    """
    if first.shape != other.shape or not first.any() or not other.any():
        return None
    return float(np.clip(first @ other, 0.0, 1.0))


def blend(
    first: np.ndarray,
    other: np.ndarray,
    *,
    bundle: TrackIndex,
    items: int,
    ranking: RankingSettings,
    without: Collection[str] = (),
) -> list[str]:
    """Tracks for both: those with the highest minimum of the two similarities.

    Candidates are the neighbours of both tastes and of their mean. Scoring by the smaller cosine keeps the
    list from serving only one of the two ("least misery", O'Connor et al. 2001).

    Parameters
    ----------
    without
        Ids of tracks to leave out.

    Returns
    -------
    At most `items` ids, best first.
    """
    tastes = np.stack([first, other, first + other]).astype(np.float32)
    lengths = np.linalg.norm(tastes, axis=1, keepdims=True)
    tastes = np.divide(tastes, lengths, out=np.zeros_like(tastes), where=lengths > 0)
    near, _ = bundle.neighbours.query(tastes, 10 * items)
    rows = np.unique(near[near >= 0])
    if not len(rows):
        return []
    scores = (bundle.vectors[rows] @ tastes[:2].T).min(axis=1)
    left_out = set(bundle.rows(list(without)).tolist()) if without else set()
    ordered = [row for row in rows[np.argsort(-scores, kind="stable")].tolist() if row not in left_out]
    chosen = spread_artists(ordered, ArtistLimit.of(bundle, ranking), items=items)
    return bundle.ids(chosen)
