"""From the candidates of all sources to one listener's list: blended, folded, varied. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import chain
from typing import Protocol

import numpy as np

from segue.ranking.diversity import ArtistLimit, limit_artists
from segue.ranking.exploring import explored
from segue.ranking.following import Next
from segue.ranking.versions import folded, songs_of
from segue.settings import Ranking


class Shelves(Protocol):
    """What is needed of an index bundle."""

    @property
    def vectors(self) -> np.ndarray: ...
    @property
    def artists(self) -> np.ndarray: ...
    @property
    def songs(self) -> np.ndarray: ...
    @property
    def cold_start(self) -> np.ndarray: ...


@dataclass(frozen=True)
class Heard:
    """What a listener's history says of tracks, by row of the bundle."""

    barred: frozenset[int]
    """Not to be recommended: heard lately, or turned down whenever that was."""
    kept: frozenset[int]
    """Heard long ago and kept: may come again."""

    @classmethod
    def of(cls, rows: np.ndarray, *, weights: np.ndarray, recent: np.ndarray) -> Heard:
        """From one listener's signals, (n,) each; `recent` (bool) is whether it is too soon for a repeat."""
        lately = frozenset(rows[recent].tolist()) - {-1}
        sums: dict[int, float] = {}
        old = ~recent & (rows >= 0)
        for row, weight in zip(rows[old].tolist(), weights[old].tolist(), strict=True):
            sums[row] = sums.get(row, 0.0) + weight
        kept = frozenset(row for row, weight in sums.items() if weight > 0) - lately
        return cls(barred=lately | (sums.keys() - kept), kept=kept)


@dataclass(frozen=True)
class Candidates:
    """Candidates of all sources for one listener: neighbours of the taste first, best first."""

    rows: np.ndarray
    """(n,) int64 rows of the bundle, all different."""
    scores: np.ndarray
    """(n,) float64 cosines of taste and track."""
    added: np.ndarray
    """(n,) float64: what session knowledge adds; 0 where it knows nothing."""
    after: np.ndarray
    """(n,) int64: the signal that each is played after; -1 where session knowledge knows nothing."""
    same_artist: np.ndarray
    """(n,) bool: that signal leads to it by its artist."""
    place_of: Mapping[int, int]
    """Row -> place here."""

    @classmethod
    def none(cls) -> Candidates:
        """For a listener without a usable taste."""
        empty = np.empty(0)
        rows = empty.astype(np.int64)
        return cls(rows, empty, empty, rows, empty.astype(bool), {})

    def led_by_session(self, place: int) -> int | None:
        """The signal that a candidate is played after, if that says more for it than its likeness does."""
        told = self.after[place] >= 0 and self.added[place] >= self.scores[place]
        return int(self.after[place]) if told else None


def candidates(
    near: tuple[np.ndarray, np.ndarray],
    vector: np.ndarray,
    *,
    following: Next,
    listener: int,
    bundle: Shelves,
) -> Candidates:
    """Neighbours of the taste, and where the session leads, each with its cosine to the taste.

    Parameters
    ----------
    near
        Rows (k,), -1 for none, and their cosines (k,), best first.
    vector
        (d,) float32, the listener's taste at unit length.
    """
    known = near[0] >= 0
    rows, scores = near[0][known].astype(np.int64), near[1][known].astype(float)
    part = slice(following.bounds[listener], following.bounds[listener + 1])
    led = following.rows[part]
    place_of = {row: place for place, row in enumerate(rows.tolist())}
    places = [place_of.setdefault(row, len(place_of)) for row in led.tolist()]
    if len(place_of) > len(rows):
        more = np.array(list(place_of)[len(rows) :])
        rows = np.concatenate([rows, more])
        scores = np.concatenate([scores, bundle.vectors[more] @ vector])
    added, after = np.zeros(len(rows)), np.full(len(rows), -1, dtype=np.int64)
    added[places], after[places] = following.scores[part], following.after[part]
    same_artist = np.zeros(len(rows), dtype=bool)
    same_artist[places] = following.same_artist[part]
    return Candidates(rows, scores, added, after, same_artist, place_of)


def choose(
    found: Candidates,
    heard: Heard,
    *,
    bundle: Shelves,
    ranking: Ranking,
    feedback: Mapping[int, float],
    seed: str,
) -> tuple[list[int], frozenset[int]]:
    """The listener's list, and which rows of it explore.

    In order of cosine, session knowledge and feedback together; without what is barred; of several versions
    of a song the best; some drawn from further off; and no artist too often. Where the candidates run out (a
    small library, a long listener), the varied selection goes on.
    """
    total = found.scores + found.added
    if feedback:
        total += [feedback.get(row, 0.0) for row in found.rows.tolist()]
    taken = songs_of(heard.barred, bundle.songs)
    ordered = found.rows[np.argsort(-total, kind="stable")]
    near = folded(ordered, bundle.songs, barred=heard.barred, taken=taken)
    others = _others(bundle, found.place_of, feedback, barred=heard.barred, taken=taken)
    chosen = _limited(chain(near, others), bundle, ranking)
    woven, drawn = explored(chosen, near, ranking=ranking, seed=seed)
    return (_limited(woven, bundle, ranking) if drawn else chosen), drawn


def _limited(rows: Iterable[int], bundle: Shelves, ranking: Ranking) -> list[int]:
    return limit_artists(rows, ArtistLimit.of(bundle.artists, ranking), items=ranking.items)


def _others(
    bundle: Shelves,
    near: Mapping[int, int],
    feedback: Mapping[int, float],
    *,
    barred: frozenset[int],
    taken: set[int],
) -> Iterator[int]:
    """The varied selection in its order, what most skip at its end; folded.

    Most lists are full before it: nothing is done until its first row is asked for.
    """
    others = [row for row in bundle.cold_start.tolist() if row not in near]
    others.sort(key=lambda row: feedback.get(row, 0.0) < 0)
    yield from folded(others, bundle.songs, barred=barred, taken=taken)
