"""From the candidates of all sources to one listener's list: blended, folded, varied. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import chain
from typing import Protocol

import numpy as np

from segue.ranking.diversity import limit_artists
from segue.ranking.exploring import explored
from segue.ranking.following import Next
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
    """Candidates of all sources for one listener, by row of the bundle."""

    scores: Mapping[int, float]
    """Cosine of taste and track; neighbours first, best first."""
    sessions: Mapping[int, float]
    """What session knowledge adds to the score, above 0; fewer rows than `scores`."""
    after: Mapping[int, int]
    """The signal that each of these is played after."""

    @classmethod
    def none(cls) -> Candidates:
        """For a listener without a usable taste."""
        return cls({}, {}, {})

    def led_by_session(self, row: int) -> int | None:
        """The signal that a candidate is played after, if that says more for it than its likeness does."""
        if row not in self.sessions:
            return None
        return self.after[row] if self.sessions[row] >= self.scores[row] else None


def candidates(
    near: tuple[np.ndarray, np.ndarray],
    vector: np.ndarray,
    *,
    following: Next,
    listener: int,
    bundle: Shelves,
    ranking: Ranking,
) -> Candidates:
    """Neighbours of the taste, and what listeners play next, each with its cosine to the taste.

    Parameters
    ----------
    near
        Rows (k,), -1 for none, and their cosines (k,), best first.
    vector
        (d,) float32, the listener's taste at unit length.
    """
    known = near[0] >= 0
    scores = dict(zip(near[0][known].tolist(), near[1][known].tolist(), strict=True))
    part = slice(following.bounds[listener], following.bounds[listener + 1])
    rows = following.rows[part].tolist()
    if more := [row for row in rows if row not in scores]:
        scores |= dict(zip(more, (bundle.vectors[more] @ vector).tolist(), strict=True))
    added = (ranking.session_weight * following.scores[part]).tolist()
    return Candidates(
        scores=scores,
        sessions=dict(zip(rows, added, strict=True)),
        after=dict(zip(rows, following.after[part].tolist(), strict=True)),
    )


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
    ordered = list(found.scores)
    if feedback or found.sessions:
        total = {
            row: score + found.sessions.get(row, 0.0) + feedback.get(row, 0.0)
            for row, score in found.scores.items()
        }
        ordered.sort(key=lambda row: -total[row])
    barred = np.fromiter(heard.barred, dtype=np.int64, count=len(heard.barred))
    taken = set(bundle.songs[barred].tolist()) - {-1}
    fresh = list(_folded((row for row in ordered if row not in heard.barred), bundle.songs, taken))
    others = (row for row in _others(bundle, found.scores, feedback) if row not in heard.barred)
    chosen = _limited(chain(fresh, _folded(others, bundle.songs, taken)), bundle, ranking)
    woven, drawn = explored(chosen, fresh, ranking=ranking, seed=seed)
    return (_limited(woven, bundle, ranking) if drawn else chosen), drawn


def _limited(rows: Iterable[int], bundle: Shelves, ranking: Ranking) -> list[int]:
    return limit_artists(
        rows,
        bundle.artists,
        items=ranking.items,
        per_artist=ranking.per_artist,
        window=ranking.artist_window,
    )


def _folded(rows: Iterable[int], songs: np.ndarray, taken: set[int]) -> Iterator[int]:
    """Of the versions of a song the first; none of a song in `taken`, to which it adds."""
    for row in rows:
        song = int(songs[row])
        if song < 0:
            yield row
        elif song not in taken:
            taken.add(song)
            yield row


def _others(bundle: Shelves, near: Mapping[int, float], feedback: Mapping[int, float]) -> list[int]:
    """The varied selection in its order, what most skip at its end."""
    others = [row for row in bundle.cold_start.tolist() if row not in near]
    return sorted(others, key=lambda row: feedback.get(row, 0.0) < 0)
