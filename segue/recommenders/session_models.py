"""Session models: each scores items as the next of a session, for all queries at once by sparse products.

Scores are a sparse (queries, items) float32 matrix: an item that is not stored scores 0 and is not
recommended.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np
from scipy import sparse

from segue.recommenders.similarity import shared_cosine
from segue.recommenders.top import scaled, top_k
from segue.session_logs.logs import SessionLog
from segue.session_logs.splits import Queries

LONGEST = 100
"""Plays before the last so many of a prefix do not count."""


class SessionModel(Protocol):
    """The interface of a session model for the evaluation."""

    def fit(self, history: SessionLog) -> SessionModel: ...
    def scores(self, queries: Queries) -> sparse.csr_matrix: ...


def prefix_matrix(
    queries: Queries, n_items: int, *, decay: float = 1.0, last: int = LONGEST
) -> sparse.csr_matrix:
    """(queries, items): each prefix as a row; an item `g` plays before the end has the weight `decay ** g`.

    An item that was played several times has the weight of its latest play. Only the last `last` plays count.
    """
    lengths = np.minimum(queries.ends - queries.starts, last)
    rows = np.repeat(np.arange(len(queries)), lengths)
    gaps = np.repeat(np.cumsum(lengths), lengths) - 1 - np.arange(len(rows))
    columns = queries.items[queries.ends[rows] - 1 - gaps]
    # The smallest gap of each (row, item) is that of the latest play.
    order = np.lexsort((gaps, columns, rows))
    rows, columns, gaps = rows[order], columns[order], gaps[order]
    first = np.ones(len(rows), dtype=bool)
    first[1:] = (np.diff(rows) != 0) | (np.diff(columns) != 0)
    weights = (decay ** gaps[first]).astype(np.float32)
    return sparse.csr_matrix((weights, (rows[first], columns[first])), shape=(len(queries), n_items))


def end_matrix(queries: Queries, n_items: int, *, decay: float) -> sparse.csr_matrix:
    """(queries, items): the last 20 plays of each prefix, weighted by the decay; at 0, the last play only."""
    return prefix_matrix(queries, n_items, decay=decay or 1.0, last=20 if decay else 1)


def _members(history: SessionLog) -> sparse.csr_matrix:
    """(sessions, items) float32: 1 where the session has the item."""
    bounds = history.bounds
    row = np.repeat(np.arange(len(bounds) - 1), np.diff(bounds))
    shape = (len(bounds) - 1, len(history.artists))
    members = sparse.csr_matrix((np.ones(len(history), dtype=np.float32), (row, history.items)), shape=shape)
    members.data[:] = 1.0
    return members


class Popularity:
    """The most played items; with a half-life in seconds, later plays have more weight."""

    def __init__(self, *, half_life: float | None = None, items: int = 100) -> None:
        self.half_life, self.items = half_life, items

    def fit(self, history: SessionLog) -> Popularity:
        weights = None
        if self.half_life is not None:
            weights = np.exp2((history.times - history.times.max()) / self.half_life)
        self.plays = np.bincount(history.items, weights, minlength=len(history.artists)).astype(np.float32)
        return self

    def scores(self, queries: Queries) -> sparse.csr_matrix:
        first = np.argsort(-self.plays, kind="stable")[: self.items]
        row = sparse.csr_matrix(
            (self.plays[first], (np.zeros_like(first), first)), shape=(1, len(self.plays))
        )
        return sparse.csr_matrix(np.ones((len(queries), 1), dtype=np.float32)) @ row


class SessionKnn:
    """The items of the sessions most like this one (Jannach and Ludewig, 2017), with later weightings.

    Similarity is the cosine of item sets. `decay` < 1 gives more weight to the latest items of the prefix,
    `idf` > 0 to rare items, and `half_life` (seconds) to later sessions (V-SkNN, VSTAN: Ludewig et al.,
    2021). The defaults give plain session-kNN.
    """

    def __init__(
        self,
        *,
        neighbours: int = 100,
        decay: float = 1.0,
        idf: float = 0.0,
        half_life: float | None = None,
        length_power: float = 0.5,
        sharpness: float = 1.0,
    ) -> None:
        self.neighbours, self.decay, self.idf, self.half_life = neighbours, decay, idf, half_life
        self.length_power, self.sharpness = length_power, sharpness

    def fit(self, history: SessionLog) -> SessionKnn:
        self.members, bounds = _members(history), history.bounds
        frequency = np.asarray(self.members.sum(axis=0)).ravel()
        rarity = np.log((len(bounds)) / np.maximum(frequency, 1))
        self.weight = (np.maximum(rarity, 1e-3) ** self.idf).astype(np.float32)
        weighed = self.members.multiply(self.weight).tocsr()
        size = np.asarray(weighed.sum(axis=1)).ravel() ** self.length_power
        factor = 1 / np.maximum(size, 1e-9)
        self.ended = np.maximum.reduceat(history.times, bounds[:-1])
        self.by_session = sparse.diags(factor.astype(np.float32)) @ weighed
        return self

    def scores(self, queries: Queries) -> sparse.csr_matrix:
        prefix = prefix_matrix(queries, self.members.shape[1], decay=self.decay)
        similarity = (prefix @ self.by_session.T).tocsr()
        if self.half_life is not None:
            row = np.repeat(np.arange(len(queries)), np.diff(similarity.indptr))
            age = np.maximum(queries.times[row] - self.ended[similarity.indices], 0)
            similarity.data *= np.exp2(-age / self.half_life).astype(np.float32)
        chosen = top_k(similarity, self.neighbours)
        if self.sharpness != 1.0:
            chosen = scaled(chosen)
            chosen.data **= self.sharpness
        return (chosen @ self.members).tocsr()


class ItemKnn:
    """Items that share sessions with those of the prefix, by cosine (Sarwar et al., 2001)."""

    def __init__(self, *, decay: float = 0.0, shrink: float = 0.0) -> None:
        self.decay, self.shrink = decay, shrink

    def fit(self, history: SessionLog) -> ItemKnn:
        self.similarity = shared_cosine(_members(history), shrink=self.shrink)
        return self

    def scores(self, queries: Queries) -> sparse.csr_matrix:
        return (end_matrix(queries, self.similarity.shape[0], decay=self.decay) @ self.similarity).tocsr()


class ListenerRepeats:
    """The listener's plays in earlier sessions, with a half-life in seconds."""

    def __init__(self, *, half_life: float = 86_400.0) -> None:
        self.half_life = half_life

    def fit(self, history: SessionLog) -> ListenerRepeats:
        weight = np.exp2((history.times - history.times.max()) / self.half_life).astype(np.float32)
        shape = (len(history.user_ids), len(history.artists))
        self.plays = sparse.csr_matrix((weight, (history.users, history.items)), shape=shape)
        return self

    def scores(self, queries: Queries) -> sparse.csr_matrix:
        return self.plays[queries.users].log1p()


class ArtistItems:
    """Items of the artists of the prefix, by number of plays; the latest artist counts most."""

    def __init__(self, *, decay: float = 0.5, power: float = 0.5) -> None:
        self.decay, self.power = decay, power

    def fit(self, history: SessionLog) -> ArtistItems:
        n = len(history.artists)
        known = np.flatnonzero(history.artists >= 0)
        artists = int(history.artists.max(initial=0)) + 1
        plays = np.bincount(history.items, minlength=n).astype(np.float32) ** self.power
        ones = np.ones(len(known), dtype=np.float32)
        self.artist_of = sparse.csr_matrix((ones, (known, history.artists[known])), shape=(n, artists))
        by_artist = sparse.csr_matrix((plays[known], (history.artists[known], known)), shape=(artists, n))
        size = np.maximum(np.asarray(by_artist.sum(axis=1)).ravel(), 1e-9)
        self.items_of = (sparse.diags((1 / size).astype(np.float32)) @ by_artist).tocsr()
        return self

    def scores(self, queries: Queries) -> sparse.csr_matrix:
        prefix = prefix_matrix(queries, len(self.artist_of.indptr) - 1, decay=self.decay, last=10)
        return ((prefix @ self.artist_of) @ self.items_of).tocsr()


class SessionRepeats:
    """The items of the session: many listeners repeat a track."""

    def __init__(self, *, decay: float = 0.9) -> None:
        self.decay = decay

    def fit(self, history: SessionLog) -> SessionRepeats:
        self.n_items = len(history.artists)
        return self

    def scores(self, queries: Queries) -> sparse.csr_matrix:
        return prefix_matrix(queries, self.n_items, decay=self.decay)
