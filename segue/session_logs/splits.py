"""Splits: sessions by time, and listener-item pairs in folds."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from scipy import sparse

from segue.errors import SegueError
from segue.session_logs.logs import SessionLog

DAY = 86_400.0
BLOCK = 500
"""The queries that a model answers at a time: it bounds the memory of the scores."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Queries:
    """p prefixes of sessions, each with the item that followed.

    Query `i` has the prefix `items[starts[i]:ends[i]]`, oldest first, and the target `targets[i]`.
    """

    items: np.ndarray
    """(n,) int64: the sessions' items, one after the other."""
    starts: np.ndarray
    """(p,) int64."""
    ends: np.ndarray
    """(p,) int64."""
    targets: np.ndarray
    """(p,) int64."""
    users: np.ndarray
    """(p,) int64."""
    sessions: np.ndarray
    """(p,) int64."""
    times: np.ndarray
    """(p,) float64: when the last item of the prefix was played."""
    played_at: np.ndarray | None = None
    """(n,) float64: when each item was played; None if that is not known."""

    def __len__(self) -> int:
        return len(self.targets)

    def take(self, chosen: np.ndarray | slice) -> Queries:
        """The queries that a mask, an array of indices or a slice selects; their sessions are shared."""
        return Queries(
            items=self.items,
            starts=self.starts[chosen],
            ends=self.ends[chosen],
            targets=self.targets[chosen],
            users=self.users[chosen],
            sessions=self.sessions[chosen],
            times=self.times[chosen],
            played_at=self.played_at,
        )


def blocks(count: int) -> Iterator[slice]:
    """Slices of at most :data:`BLOCK` queries."""
    return (slice(begin, begin + BLOCK) for begin in range(0, count, BLOCK))


@dataclass(frozen=True, kw_only=True, eq=False)
class TimeSplit:
    """The history that a model may learn from, and its queries."""

    history: SessionLog
    queries: Queries

    @property
    def n_items(self) -> int:
        return len(self.history.artists)


def split_by_time(log: SessionLog, *, seconds: float = DAY) -> TimeSplit:
    """Split a log into the test, the sessions that end within its last `seconds`, and the history, the rest.

    Test plays of items that the history lacks are dropped, then test sessions of fewer than two plays. Every
    prefix of the remaining sessions is a query. Items get new codes, those of the history, so that no test
    item is in the catalogue.

    Raises
    ------
    SegueError
        The history or the test is empty.
    """
    bounds = log.bounds
    last = np.maximum.reduceat(log.times, bounds[:-1]) if len(log) else np.empty(0)
    testing = np.repeat(last > last.max(initial=0) - seconds, np.diff(bounds))
    history = log.take(~testing)
    known, codes = np.unique(history.items, return_inverse=True)
    code = np.full(len(log.artists), -1, dtype=np.int64)
    code[known] = np.arange(len(known))
    test = log.take(testing & (code[log.items] >= 0))
    queries = prefixes(test, code)
    if not len(history) or not len(queries):
        raise SegueError(
            "the log is too short to split by time: it needs sessions before and in its last day"
        )
    recoded = SessionLog(
        users=history.users,
        sessions=history.sessions,
        items=codes.astype(np.int64),
        times=history.times,
        artists=log.artists[known],
        item_ids=log.item_ids[known],
        user_ids=log.user_ids,
    )
    return TimeSplit(history=recoded, queries=queries)


def last_part(log: SessionLog, *, enough: int = 250) -> TimeSplit | None:
    """Split a log by time for choices that must not see a test: its last day is asked, the rest is history.

    With fewer than `enough` queries, the part is longer, but at most a third of the log's time. None if the
    log is too short to split.
    """
    longest = float(np.ptp(log.times)) / 3 if len(log) else 0.0
    seconds = min(DAY, longest)
    while seconds > 0:
        try:
            split = split_by_time(log, seconds=seconds)
        except SegueError:
            split = None
        if seconds >= longest or (split is not None and len(split.queries) >= enough):
            return split
        seconds = min(2 * seconds, longest)
    return None


def sampled(queries: Queries, most: int, *, seed: int = 0) -> Queries:
    """At most `most` of the queries, drawn evenly, in their order."""
    if len(queries) <= most:
        return queries
    return queries.take(np.sort(np.random.default_rng(seed).choice(len(queries), most, replace=False)))


def prefixes(log: SessionLog, code: np.ndarray | None = None) -> Queries:
    """Every prefix of every session as a query; `code` maps the items, if given."""
    bounds = log.bounds
    lengths = np.diff(bounds)
    begins = np.repeat(bounds[:-1], lengths)
    places = np.arange(len(log))
    asked = np.flatnonzero(places > begins)
    items = log.items if code is None else code[log.items]
    return Queries(
        items=items,
        starts=begins[asked],
        ends=asked,
        targets=items[asked],
        users=log.users[asked],
        sessions=log.sessions[asked],
        times=log.times[asked - 1],
        played_at=log.times,
    )


def folds(
    pairs: sparse.csr_matrix, *, count: int = 5, seed: int = 0
) -> Iterator[tuple[sparse.csr_matrix, sparse.csr_matrix]]:
    """(train, test) for each of `count` random folds over the stored pairs; shapes and values stay."""
    entries = pairs.tocoo()
    fold = np.random.default_rng(seed).permutation(entries.nnz) % count
    for number in range(count):
        sides = []
        for kept in (fold != number, fold == number):
            part = (entries.data[kept], (entries.row[kept], entries.col[kept]))
            sides.append(sparse.csr_matrix(part, shape=pairs.shape))
        yield sides[0], sides[1]
