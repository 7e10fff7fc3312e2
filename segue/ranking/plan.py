"""What each listener hears next: histories in, recommendations out. Pure: it reads and writes nothing.

The steps keep the names they have in the Spark UI: join (vectors to plays), taste, neighbours, rank.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np

from segue.index.following import Following
from segue.ranking import choosing
from segue.ranking.following import Next, no_candidates, played_next
from segue.ranking.variants import ranking_of, served
from segue.settings import Experiments, Ranking, Taste, Variant
from segue.taste.history import History, reflects_at
from segue.taste.vector import Signals, decayed, taste_vectors


class Neighbours(Protocol):
    def query(self, vectors: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]: ...


class Catalogue(Protocol):
    """What radio and the like need of an index bundle (:class:`segue.index.bundle.Bundle`)."""

    @property
    def version(self) -> str: ...
    @property
    def vectors(self) -> np.ndarray: ...
    @property
    def artists(self) -> np.ndarray: ...
    @property
    def songs(self) -> np.ndarray: ...
    @property
    def cold_start(self) -> np.ndarray: ...
    @property
    def neighbours(self) -> Neighbours: ...
    def rows(self, ids: Sequence[str]) -> np.ndarray: ...
    def ids(self, rows: Sequence[int]) -> list[str]: ...


class Knowledge(Catalogue, Protocol):
    """What planning needs beside it."""

    @property
    def following(self) -> Following | None: ...
    @property
    def by_artist(self) -> Following | None: ...


NO_STEPS: Mapping[int, float] = {}
Lookup = Callable[[Sequence[str]], Mapping[str, np.ndarray]]
"""Vectors of tracks that the bundle lacks, as far as they are known elsewhere."""

Reason = Literal["because", "after", "artist", "again", "explore", "varied"]
"""Why a track is recommended: `because` it is like a heard track; listeners play it along with one (`after`);
it is by the `artist` of one; the listener kept it long ago, so it may come `again`; to `explore`, further off
than the best; or it is of the `varied` selection."""


@dataclass(frozen=True)
class Item:
    """A recommended track; `because` is the track that the reason names, None for a varied selection."""

    track_id: str
    score: float
    """Cosine of taste and track; 0 for one from the varied selection."""
    because: str | None
    reason: Reason = "because"


@dataclass(frozen=True)
class Plan:
    """What one listener is to hear next, and the taste it comes from."""

    user_id: str
    history: History
    vector: np.ndarray
    """(d,) float32 at unit length, or zeros."""
    items: list[Item]
    model: str
    variant: Variant
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
        """The same for the same listener, model, variant and state of taste: a repeated batch repeats it."""
        heard = sum(len(window.tracks) for window in self.history.values())
        text = f"{self.user_id}\n{self.model}\n{self.variant}\n{self.reflects_at}\n{heard}"
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
    bundle: Knowledge,
    lookup: Lookup,
    taste: Taste,
    ranking: Ranking,
    experiments: Experiments,
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
    tastes = taste_vectors(joined.vectors, signals)
    sessions = bundle.following is not None
    variants = [served(user, experiments=experiments, sessions=sessions) for user in users]
    by_variant = {
        variant: ranking_of(variant, ranking=ranking, experiments=experiments) for variant in set(variants)
    }
    most = max((one.candidates for one in by_variant.values()), default=1)
    near_rows, near_scores = bundle.neighbours.query(tastes, most)
    following = {
        variant: _next(joined, bundle, np.array([one == variant for one in variants]), own)
        for variant, own in by_variant.items()
    }
    return [
        _planned(
            user,
            histories[user],
            tastes[i],
            variant=variants[i],
            near=_first(near_rows[i], near_scores[i], by_variant[variants[i]].candidates),
            following=following[variants[i]],
            listener=i,
            joined=joined,
            bundle=bundle,
            taste=taste,
            ranking=by_variant[variants[i]],
            feedback=feedback,
        )
        for i, user in enumerate(users)
    ]


def _first(rows: np.ndarray, scores: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    return rows[:count], scores[:count]


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


def _next(joined: _Joined, bundle: Knowledge, wanted: np.ndarray, ranking: Ranking) -> Next:
    """Where the session leads those who are wanted, (listeners,) bool."""
    if bundle.following is None or not ranking.session_weight:
        return no_candidates(len(wanted))
    return played_next(
        joined.signals,
        joined.rows,
        wanted,
        following=bundle.following,
        by_artist=bundle.by_artist,
        artists=bundle.artists,
        ranking=ranking,
    )


def _planned(
    user: str,
    history: History,
    vector: np.ndarray,
    *,
    variant: Variant,
    near: tuple[np.ndarray, np.ndarray],
    following: Next,
    listener: int,
    joined: _Joined,
    bundle: Knowledge,
    taste: Taste,
    ranking: Ranking,
    feedback: Mapping[int, float],
) -> Plan:
    part = slice(joined.signals.bounds[listener], joined.signals.bounds[listener + 1])
    tracks, weights = joined.signals.tracks[part], joined.signals.weights[part]
    rows, vectors = joined.rows[part], joined.vectors[part]
    newest = reflects_at(history)
    heard = choosing.Heard.of(
        rows,
        weights=weights,
        recent=joined.signals.at[part] > newest - taste.repeat_after.total_seconds() * 1000,
    )
    candidates = choosing.Candidates.none()
    if vector.any():
        candidates = choosing.candidates(near, vector, following=following, listener=listener, bundle=bundle)
    chosen, drawn = choosing.choose(
        candidates, heard, bundle=bundle, ranking=ranking, feedback=feedback, seed=f"{user}\n{newest}"
    )
    place_of = candidates.place_of
    because = _because(
        [row for row in chosen if row in place_of],
        bundle=bundle,
        vectors=vectors,
        liked=joined.signals.liked[part],
        tracks=tracks,
    )
    items = []
    for row, track_id in zip(chosen, bundle.ids(chosen), strict=True):
        place = place_of.get(row)
        if place is None:
            items.append(Item(track_id, 0.0, None, "varied"))
            continue
        reason: Reason = "because"
        named: str | None = because[row]
        if row in heard.kept:
            reason, named = "again", track_id
        elif row in drawn:
            reason = "explore"
        elif (after := candidates.led_by_session(place)) is not None:
            reason = "artist" if candidates.same_artist[place] else "after"
            named = joined.signals.tracks[after]
        items.append(Item(track_id, round(float(candidates.scores[place]), 6), named, reason))
    lost = (rows < 0) & ~vectors.any(axis=1)
    unknown = sorted({tracks[i] for i in np.flatnonzero(lost)})
    return Plan(user, history, vector, items, bundle.version, variant, newest, unknown)


def _because(
    rows: list[int], *, bundle: Catalogue, vectors: np.ndarray, liked: np.ndarray, tracks: list[str]
) -> dict[int, str]:
    """For each recommended row, the liked track that is nearest to it."""
    known = np.flatnonzero(liked & vectors.any(axis=1))
    if not rows:
        return {}
    nearest = np.argmax(bundle.vectors[rows] @ vectors[known].T, axis=1)
    return {row: tracks[known[j]] for row, j in zip(rows, nearest.tolist(), strict=True)}
