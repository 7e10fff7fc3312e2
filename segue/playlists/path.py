"""A path between two songs: a list that begins with one and ends with the other. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from segue.index.track_index import TrackIndex
from segue.playlists.transitions import Material, Transitions
from segue.ranking.artist_limit import ArtistLimit
from segue.ranking.reranking import folded, songs_of

AROUND = 40
"""The number of candidates around each of the points between the two songs."""
BEAM = 48
"""The beam width: the number of unfinished paths kept at each place."""
POWER = 4
"""The power of the steps in the sum that is minimised: the larger, the more the largest step counts."""


def path(
    first: int,
    last: int,
    *,
    items: int,
    material: Material,
    avoid: frozenset[int] = frozenset(),
) -> list[int]:
    """A list from `first` to `last` with small steps in between.

    The candidates are the tracks near points on the arc between the two. A beam search minimises the sum of
    the steps' fourth powers, which makes the steps even. The remaining cost of an unfinished path is
    estimated by the cheapest continuation that may repeat tracks, computed for every candidate and place.

    Parameters
    ----------
    items
        Rows in the list, including both ends; at least 2.
    avoid
        Rows that are not chosen, except as ends.

    Returns
    -------
    Rows, each once; fewer than `items` only in a smaller library. The artist limit includes the ends; where
    the library has too few artists for it, more songs of each are allowed, as few as the list needs.

    Raises
    ------
    ValueError
        Both ends are the same, or `items` is less than 2.
    """
    if first == last or items < 2:
        raise ValueError(f"a path of {items} from row {first} to row {last}")
    between = _between(first, last, count=items - 2, bundle=material.bundle, avoid=avoid)
    count = min(items - 2, len(between))
    if not count:
        return [first, last]
    for limit in _limits(material.limit, [first, *between, last], length=count + 2):
        relaxed = replace(material, limit=limit)
        if inner := _search(first, last, between, count=count, material=relaxed):
            return [first, *inner, last]
    raise AssertionError("the last limit allows every path")


def _limits(limit: ArtistLimit, rows: Sequence[int], *, length: int) -> Iterator[ArtistLimit]:
    """The limit, and those that allow more songs of an artist, up to one that allows every list."""
    artists = {artist for row in rows for artist in limit.artists_of(row)}
    known = {artist for artist in artists if artist >= 0}
    unknown = len(known) < len(artists)
    # With fewer, the artists would not fill a window.
    least = 1 if unknown else math.ceil(min(limit.window, length) / len(known))
    for per_artist in range(max(limit.per_artist, least), max(limit.per_artist, length) + 1):
        yield replace(limit, per_artist=per_artist)


def _between(first: int, last: int, *, count: int, bundle: TrackIndex, avoid: frozenset[int]) -> list[int]:
    """Rows near the points that divide the arc into even steps; all rows of a small library."""
    if not count:
        return []
    ends = np.asarray(bundle.vectors[[first, last]], dtype=np.float64)
    angle = np.arccos(np.clip(ends[0] @ ends[1], -1.0, 1.0))
    share = np.arange(1, count + 1) / (count + 1)
    if 1e-6 < angle < np.pi - 1e-6:
        weights = np.stack([np.sin((1 - share) * angle), np.sin(share * angle)], axis=1)
    else:  # the same sound, or its opposite: the arc is undefined
        weights = np.stack([1 - share, share], axis=1)
    points = (weights @ ends).astype(np.float32)
    rows, _ = bundle.neighbours.query(points, min(AROUND + len(avoid) + 2, len(bundle.vectors)))
    near = dict.fromkeys(row for row in rows.T.ravel().tolist() if row >= 0)
    out = avoid | {first, last}
    return folded(list(near), bundle.songs, barred=out, taken=songs_of(out, bundle.songs))[: AROUND * count]


def _search(
    first: int,
    last: int,
    candidates: Sequence[int],
    *,
    count: int,
    material: Material,
) -> list[int]:
    """`count` of the candidates in order; empty if the limit allows no path."""
    transitions, limit = material.transitions, material.limit
    to_go = _cheapest_on(candidates, last, count=count, transitions=transitions)
    costly = transitions.steps(candidates, candidates) ** POWER
    paths: list[list[int]] = [[]]
    costs = np.zeros(1)
    from_here = transitions.steps([first], candidates) ** POWER
    for place in range(count):
        reached = costs[:, None] + from_here
        chosen: list[tuple[list[int], float]] = []
        for flat in np.argsort(reached + to_go[place], axis=None, kind="stable"):
            at, candidate = divmod(int(flat), len(candidates))
            if candidate in paths[at]:
                continue
            rows = [first, *(candidates[i] for i in paths[at])]
            if _fits(rows, candidates[candidate], last=last, length=count + 2, limit=limit):
                chosen.append(([*paths[at], candidate], float(reached[at, candidate])))
                if len(chosen) == BEAM:
                    break
        if not chosen:
            return []
        paths = [path for path, _ in chosen]
        costs = np.array([cost for _, cost in chosen])
        from_here = costly[[path[-1] for path in paths]]
    # Sorted by the cost that includes the last step, which is known by now.
    return [candidates[i] for i in paths[0]]


def _cheapest_on(
    candidates: Sequence[int], last: int, *, count: int, transitions: Transitions
) -> NDArray[np.float64]:
    """(count, c): from each candidate at each place, the smallest sum that leads to the end."""
    costly = transitions.steps(candidates, candidates) ** POWER
    np.fill_diagonal(costly, np.inf)
    costs = np.empty((count, len(candidates)))
    costs[-1] = transitions.steps(candidates, [last])[:, 0] ** POWER
    for place in range(count - 2, -1, -1):
        costs[place] = (costly + costs[place + 1]).min(axis=1)
    return costs


def _fits(before: list[int], row: int, *, last: int, length: int, limit: ArtistLimit) -> bool:
    """Whether the limit allows the row, and the end after it."""
    if not limit.fits(before, row):
        return False
    if length - len(before) > limit.window:
        return True
    final = [*before, row][max(length - limit.window, 0) :]
    heard = [artist for each in final for artist in limit.artists_of(each)]
    shared = set(limit.artists_of(row)) & set(limit.artists_of(last))
    return all(artist < 0 or heard.count(artist) < limit.per_artist for artist in shared)
