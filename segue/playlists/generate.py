"""Lists made for a listener: a continuation of a list, a daily mix, and songs to discover. Pure.

All take and return rows of an index, with one version of each song. The same seed and input give the same
list.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping, Sequence
from itertools import chain, zip_longest

import numpy as np

from segue.index.track_index import TrackIndex
from segue.playlists.transitions import Material, arrange
from segue.ranking.reranking import folded, songs_of, spread_artists

NEAR = 60
"""The number of neighbours of each song of a list, or of each liked song."""
LOOKED_BACK = 40
"""The number of last songs of a list that determine its continuation."""
AGREEING = 3
"""The number of nearest songs of a list that a candidate is compared with."""
ANCHORS = 5
"""The number of liked songs around which a mix is made."""
POOL = 4
"""Songs to discover are drawn from this many times the requested songs."""
_UNKNOWN = -1


def continue_list(
    playlist: Sequence[int],
    *,
    items: int,
    material: Material,
    avoid: Collection[int] = (),
) -> list[int]:
    """Continue a list, starting near its last song.

    The score of a candidate is its mean cosine to the songs of the list that are nearest to it. So a list of
    several styles is continued in each of them; the mean of its vectors may be far from all of them.

    Returns
    -------
    At most `items` rows, none of them in the list or in `avoid`.
    """
    members = list(dict.fromkeys(playlist))[-LOOKED_BACK:]
    if not members:
        return []
    # Versions of a song may have two names of an artist, of which only one is over the limit.
    candidates = _near_versions(members, out={*playlist, *avoid}, wanted=items, bundle=material.bundle)
    if not candidates:
        return []
    vectors = material.bundle.vectors
    similarity = np.asarray(vectors[candidates]) @ np.asarray(vectors[members]).T
    nearest = np.sort(similarity, axis=1)[:, -AGREEING:].mean(axis=1)
    ordered = [candidates[i] for i in np.argsort(-nearest, kind="stable")]
    chosen = spread_artists(
        ordered, material.limit, items=items, before=playlist, songs=material.bundle.songs
    )
    return arrange(chosen, transitions=material.transitions, limit=material.limit, before=playlist)


def daily_mix(
    liked: Mapping[int, float],
    *,
    seed: str,
    items: int,
    familiar: float,
    material: Material,
    heard: Collection[int] = (),
    avoid: Collection[int] = (),
) -> list[int]:
    """Songs that the listener likes, and new ones around some of them.

    Parameters
    ----------
    liked
        Row -> strength of the preference, above 0.
    seed
        Identifies the mix, such as the listener and the day.
    familiar
        The share of liked songs, 0 to 1; less if there are fewer.
    heard
        Rows that are not new; the liked rows are included in any case.

    Returns
    -------
    At most `items` rows; none for a listener without liked songs.
    """
    known = {row: weight for row, weight in liked.items() if weight > 0 and row not in avoid}
    if not known:
        return []
    rng = _random(seed)
    drawn = _drawn(known, rng)
    wanted = round(familiar * items)
    around = [
        _near([row], out={*known, *heard, *avoid}, wanted=items, bundle=material.bundle)
        for row in drawn[:ANCHORS]
    ]
    fresh = list(dict.fromkeys(row for row in chain.from_iterable(zip_longest(*around)) if row is not None))
    # If there are too few of one kind, the other fills the list.
    ordered = [*drawn[:wanted], *fresh[: items - wanted], *drawn[wanted:], *fresh[items - wanted :]]
    ordered = folded(ordered, material.bundle.songs, barred=(), taken=set())
    chosen = spread_artists(ordered, material.limit, items=items)
    return arrange(chosen, transitions=material.transitions, limit=material.limit)


def discover(
    liked: Mapping[int, float],
    *,
    seed: str,
    items: int,
    material: Material,
    heard: Collection[int],
    avoid: Collection[int] = (),
) -> list[int]:
    """Songs that the listener has not heard, near to liked ones; those of unheard artists come first.

    Parameters
    ----------
    liked, seed, avoid
        As for :func:`daily_mix`. Without liked songs, the list is drawn from the index's varied selection.
    heard
        All rows that the listener has ever heard; none of them is chosen.

    Returns
    -------
    At most `items` rows.
    """
    rng = _random(seed)
    known = {row: weight for row, weight in liked.items() if weight > 0}
    out = {*heard, *known, *avoid}
    if known:
        candidates = _near(_drawn(known, rng)[:ANCHORS], out=out, wanted=POOL * items, bundle=material.bundle)
    else:
        candidates = _others(material.bundle.cold_start.tolist(), out=out, bundle=material.bundle)
    artists_of = material.limit.artists_of
    met = {artist for row in {*heard, *known} for artist in artists_of(row)} - {_UNKNOWN}
    ordered = sorted(candidates, key=lambda row: not met.isdisjoint(artists_of(row)))
    pool, rest = ordered[: POOL * items], ordered[POOL * items :]
    # A random order in which near songs tend to come first, so that another day brings others.
    weights = 1.0 / (1.0 + np.arange(len(pool)) / items)
    shuffled = _drawn(dict(zip(pool, weights.tolist(), strict=True)), rng)
    fresh_artists = sorted(shuffled, key=lambda row: not met.isdisjoint(artists_of(row)))
    chosen = spread_artists([*fresh_artists, *rest], material.limit, items=items)
    return arrange(chosen, transitions=material.transitions, limit=material.limit)


def _near(rows: Sequence[int], *, out: Collection[int], wanted: int, bundle: TrackIndex) -> list[int]:
    """As :func:`_near_versions`, with only the first version of each song."""
    return _others(_near_versions(rows, out=out, wanted=wanted, bundle=bundle), out=out, bundle=bundle)


def _near_versions(
    rows: Sequence[int], *, out: Collection[int], wanted: int, bundle: TrackIndex
) -> list[int]:
    """Neighbours of all the rows, the nearest of each in turn; more distant ones if there are too few songs.

    None of them is in `out`, or a version of a song in `out`.
    """
    songs, left = songs_of(out, bundle.songs), list[int]()
    for k in (min(NEAR + wanted, len(bundle.vectors)), min(NEAR + wanted + len(out), len(bundle.vectors))):
        neighbours, _ = bundle.neighbours.query(np.asarray(bundle.vectors[list(rows)]), k)
        near = [row for row in dict.fromkeys(neighbours.T.ravel().tolist()) if row >= 0 and row not in out]
        left = [row for row in near if int(bundle.songs[row]) not in songs]
        if len(_others(left, out=out, bundle=bundle)) >= wanted:
            break
    return left


def _others(rows: Sequence[int], *, out: Collection[int], bundle: TrackIndex) -> list[int]:
    """The rows that are not in `out`, nor versions of songs in it; the first version of each song."""
    return folded(rows, bundle.songs, barred=out, taken=songs_of(out, bundle.songs))


def _drawn(weights: Mapping[int, float], rng: np.random.Generator) -> list[int]:
    """All rows in a weighted random order, heavy ones first (Efraimidis and Spirakis, 2006)."""
    rows = sorted(weights)
    keys = rng.exponential(size=len(rows)) / np.array([weights[row] for row in rows], dtype=np.float64)
    return [rows[i] for i in np.argsort(keys, kind="stable")]


def _random(seed: str) -> np.random.Generator:
    return np.random.default_rng(list(hashlib.sha256(seed.encode()).digest()))
