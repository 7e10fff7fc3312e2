"""Lists made for a listener: what goes on from a list, a mix for a day, and what was never heard. Pure.

All take rows of an index and give rows, of the versions of a song one. A seed draws the same from the same.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping, Sequence
from itertools import chain, zip_longest

import numpy as np

from segue.index.track_index import TrackIndex
from segue.playlists.transitions import Material, arrange
from segue.ranking.reranking import folded, limit_artists, songs_of

NEAR = 60
"""Neighbours that each song of a list, or each liked song, brings in."""
LOOKED_BACK = 40
"""Of a longer list the last so many say what follows."""
AGREEING = 3
"""A song goes with a list by its similarity to the songs of it that are nearest, so many."""
ANCHORS = 5
"""Liked songs around which a mix is made."""
POOL = 4
"""What was never heard is drawn from so many times the songs that are wanted."""
_UNKNOWN = -1


def go_on(
    playlist: Sequence[int],
    *,
    items: int,
    material: Material,
    avoid: Collection[int] = (),
) -> list[int]:
    """What goes on from a list, beginning near its last song.

    A candidate's worth is the mean cosine to the songs of the list that are nearest to it. A list with
    several sides is so continued on each of them, while its average may lie where there is nothing of it.

    Returns
    -------
    At most `items` rows, none of them in the list or to be avoided.
    """
    members = list(dict.fromkeys(playlist))[-LOOKED_BACK:]
    if not members:
        return []
    # Versions of a song may be filed under two names of an artist, of which only one is over the limit.
    candidates = _near_versions(members, out={*playlist, *avoid}, wanted=items, bundle=material.bundle)
    if not candidates:
        return []
    vectors = material.bundle.vectors
    similarity = np.asarray(vectors[candidates]) @ np.asarray(vectors[members]).T
    nearest = np.sort(similarity, axis=1)[:, -AGREEING:].mean(axis=1)
    ordered = [candidates[i] for i in np.argsort(-nearest, kind="stable")]
    chosen = limit_artists(ordered, material.limit, items=items, before=playlist, songs=material.bundle.songs)
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
    """Songs that the listener likes and new ones around some of them.

    Parameters
    ----------
    liked
        Row -> how much it is liked, above 0.
    seed
        Says which mix, such as the listener and the day.
    familiar
        The share of liked songs, 0 to 1; less where there are fewer.
    heard
        Rows that are no news; the liked ones are among them in any case.

    Returns
    -------
    At most `items` rows; none for a listener who likes nothing yet.
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
    # Where there is too little of one kind, the other fills the list.
    ordered = [*drawn[:wanted], *fresh[: items - wanted], *drawn[wanted:], *fresh[items - wanted :]]
    ordered = folded(ordered, material.bundle.songs, barred=(), taken=set())
    chosen = limit_artists(ordered, material.limit, items=items)
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
    """Songs that were never heard, near to what is liked; those of artists never heard before the others.

    Parameters
    ----------
    liked, seed, avoid
        As for :func:`daily_mix`. With nothing liked it is drawn from the index's varied selection.
    heard
        All rows that were ever heard; none of them comes.

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
    met = {int(material.bundle.artists[row]) for row in {*heard, *known}} - {_UNKNOWN}
    ordered = sorted(candidates, key=lambda row: int(material.bundle.artists[row]) in met)
    pool, rest = ordered[: POOL * items], ordered[POOL * items :]
    # Drawn with the near ones ahead of the far ones, so that another day brings others.
    weights = 1.0 / (1.0 + np.arange(len(pool)) / items)
    shuffled = _drawn(dict(zip(pool, weights.tolist(), strict=True)), rng)
    fresh_artists = sorted(shuffled, key=lambda row: int(material.bundle.artists[row]) in met)
    chosen = limit_artists([*fresh_artists, *rest], material.limit, items=items)
    return arrange(chosen, transitions=material.transitions, limit=material.limit)


def _near(rows: Sequence[int], *, out: Collection[int], wanted: int, bundle: TrackIndex) -> list[int]:
    """As :func:`_near_versions`, with the first of the versions of a song alone."""
    return _others(_near_versions(rows, out=out, wanted=wanted, bundle=bundle), out=out, bundle=bundle)


def _near_versions(
    rows: Sequence[int], *, out: Collection[int], wanted: int, bundle: TrackIndex
) -> list[int]:
    """Neighbours of all the rows, the nearest of each in turn; from farther off for fewer songs than wanted.

    None is out or a version of a song that is out.
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
    """Those that are not out, nor versions of what is; of the versions of a song the first."""
    return folded(rows, bundle.songs, barred=out, taken=songs_of(out, bundle.songs))


def _drawn(weights: Mapping[int, float], rng: np.random.Generator) -> list[int]:
    """All rows in a random order, the heavier the earlier (Efraimidis and Spirakis, 2006)."""
    rows = sorted(weights)
    keys = rng.exponential(size=len(rows)) / np.array([weights[row] for row in rows], dtype=np.float64)
    return [rows[i] for i in np.argsort(keys, kind="stable")]


def _random(seed: str) -> np.random.Generator:
    return np.random.default_rng(list(hashlib.sha256(seed.encode()).digest()))
