"""What each listener hears next: histories in, recommendations out. Pure: it reads and writes nothing.

The steps keep the names they have in the Spark UI: join (vectors to plays), taste, neighbours, rank.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Protocol

import numpy as np

from segue.ranking.diversity import limit_artists
from segue.settings import Ranking, Taste
from segue.taste.history import History, reflects_at
from segue.taste.vector import Signals, decayed, taste_vectors


class Neighbours(Protocol):
    def query(self, vectors: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]: ...


class Catalogue(Protocol):
    """What planning needs of an index bundle (:class:`segue.index.bundle.Bundle`)."""

    @property
    def version(self) -> str: ...
    @property
    def vectors(self) -> np.ndarray: ...
    @property
    def artists(self) -> np.ndarray: ...
    @property
    def cold_start(self) -> np.ndarray: ...
    @property
    def neighbours(self) -> Neighbours: ...
    def rows(self, ids: Sequence[str]) -> np.ndarray: ...
    def ids(self, rows: Sequence[int]) -> list[str]: ...


NO_STEPS: Mapping[int, float] = {}
Lookup = Callable[[Sequence[str]], Mapping[str, np.ndarray]]
"""Vectors of tracks that the bundle lacks, as far as they are known elsewhere."""


@dataclass(frozen=True)
class Item:
    """A recommended track; `because` is the heard track it is most like, or None for a varied selection."""

    track_id: str
    score: float
    because: str | None


@dataclass(frozen=True)
class Plan:
    """What one listener is to hear next, and the taste it comes from."""

    user_id: str
    history: History
    vector: np.ndarray
    """(d,) float32 at unit length, or zeros."""
    items: list[Item]
    model: str
    reflects_at: int
    """Epoch ms of the newest signal that it reflects."""
    unknown: list[str]
    """Heard tracks that have no vector anywhere."""

    @property
    def served(self) -> str:
        """Where the list comes from: the listener's "taste", or the "cold-start" selection."""
        return "taste" if self.vector.any() else "cold-start"

    @property
    def recommendation_id(self) -> str:
        """The same for the same listener, model and state of taste, so that a repeated batch repeats it."""
        heard = sum(len(window.tracks) for window in self.history.values())
        text = f"{self.user_id}\n{self.model}\n{self.reflects_at}\n{heard}"
        return hashlib.blake2b(text.encode(), digest_size=12).hexdigest()


@dataclass(frozen=True)
class _Joined:
    signals: Signals
    rows: np.ndarray
    """(n,) the bundle's row of each signal's track, -1 where the bundle lacks it."""
    vectors: np.ndarray
    """(n, d) float32, zeros where no vector is known."""


def plan(
    histories: Mapping[str, History],
    *,
    bundle: Catalogue,
    lookup: Lookup,
    taste: Taste,
    ranking: Ranking,
    feedback: Mapping[int, float] = NO_STEPS,
) -> list[Plan]:
    """Plan for each listener, in the mapping's order.

    `feedback` moves candidates up or down: row -> step (:mod:`segue.ranking.feedback`).
    """
    users = list(histories)
    signals = decayed(
        list(histories.values()), half_life=taste.half_life, half_life_tracks=taste.half_life_tracks
    )
    joined = _join(signals, bundle, lookup)
    tastes = taste_vectors(joined.vectors, weights=joined.signals.weights, bounds=joined.signals.bounds)
    near_rows, near_scores = bundle.neighbours.query(tastes, ranking.candidates)
    return [
        _rank(
            user,
            histories[user],
            tastes[i],
            candidates=(near_rows[i], near_scores[i]),
            joined=joined,
            part=slice(joined.signals.bounds[i], joined.signals.bounds[i + 1]),
            bundle=bundle,
            taste=taste,
            ranking=ranking,
            feedback=feedback,
        )
        for i, user in enumerate(users)
    ]


def _join(signals: Signals, bundle: Catalogue, lookup: Lookup) -> _Joined:
    """Vectors to plays: from the mapped bundle, and through `lookup` for tracks newer than it."""
    rows = bundle.rows(signals.tracks)
    vectors = np.asarray(bundle.vectors[np.maximum(rows, 0)], dtype=np.float32)
    missing = np.flatnonzero(rows < 0)
    if len(missing):
        vectors[missing] = 0
        found = lookup(sorted({signals.tracks[i] for i in missing}))
        for i in missing:
            vector = found.get(signals.tracks[i])
            if vector is not None and vector.shape == vectors[i].shape:
                vectors[i] = vector
    return _Joined(signals, rows, vectors)


def _rank(
    user: str,
    history: History,
    vector: np.ndarray,
    *,
    candidates: tuple[np.ndarray, np.ndarray],
    joined: _Joined,
    part: slice,
    bundle: Catalogue,
    taste: Taste,
    ranking: Ranking,
    feedback: Mapping[int, float],
) -> Plan:
    signals, rows, vectors = joined.signals, joined.rows[part], joined.vectors[part]
    newest = reflects_at(history)
    recent = signals.at[part] > newest - taste.repeat_after.total_seconds() * 1000
    heard = set(rows[recent].tolist())
    usable = bool(vector.any())
    near = candidates[0][candidates[0] >= 0].tolist() if usable else []
    scores = dict(zip(near, candidates[1].tolist(), strict=False))
    # Where the neighbours run out (a small library, a long listener), the varied selection goes on.
    ordered = chain(_moved(near, scores, feedback), _others(bundle, scores, feedback))
    fresh = (row for row in ordered if row not in heard)
    chosen = limit_artists(
        fresh,
        bundle.artists,
        items=ranking.items,
        per_artist=ranking.per_artist,
        window=ranking.artist_window,
    )
    because = _because(
        [row for row in chosen if row in scores],
        bundle=bundle,
        vectors=vectors,
        weights=signals.weights[part],
        tracks=signals.tracks[part],
    )
    items = [
        Item(track_id=track_id, score=round(scores.get(row, 0.0), 6), because=because.get(row))
        for row, track_id in zip(chosen, bundle.ids(chosen), strict=True)
    ]
    lost = (rows < 0) & ~vectors.any(axis=1)
    unknown = sorted({signals.tracks[part][i] for i in np.flatnonzero(lost)})
    return Plan(user, history, vector, items, bundle.version, newest, unknown)


def _moved(near: list[int], scores: Mapping[int, float], feedback: Mapping[int, float]) -> list[int]:
    """Candidates by their score and what all listeners made of them; as they are where nothing is known."""
    if not feedback:
        return near
    return sorted(near, key=lambda row: -(scores[row] + feedback.get(row, 0.0)))


def _others(bundle: Catalogue, near: Mapping[int, float], feedback: Mapping[int, float]) -> Iterator[int]:
    """The varied selection in its order, what most skip at its end."""
    others = [row for row in bundle.cold_start.tolist() if row not in near]
    return iter(sorted(others, key=lambda row: feedback.get(row, 0.0) < 0))


def _because(
    rows: list[int], *, bundle: Catalogue, vectors: np.ndarray, weights: np.ndarray, tracks: list[str]
) -> dict[int, str]:
    """For each recommended row, the liked track that is nearest to it."""
    liked = np.flatnonzero((weights > 0) & vectors.any(axis=1))
    if not rows or not len(liked):
        return {}
    nearest = np.argmax(bundle.vectors[rows] @ vectors[liked].T, axis=1)
    return {row: tracks[liked[j]] for row, j in zip(rows, nearest.tolist(), strict=True)}
