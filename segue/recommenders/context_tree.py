"""A context tree: the next track by the last tracks in their order, short contexts and long ones mixed.

A node of the tree is a context, the last 1, 2, … tracks of a session, and has the tracks that followed it.
Its weight is the probability that it predicts better than the shorter contexts. Each play of the history
updates it by Bayes' rule (Garcin et al., 2013, "Personalized news recommendation with context trees"; Mi and
Faltings, 2018, "Context tree for adaptive session-based recommendation").
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy import sparse

from segue.recommenders.compiled import compiled, compiled_part
from segue.recommenders.nearest_sessions import Best, as_scores, keep_best, room_for_best
from segue.session_logs.logs import SessionLog
from segue.session_logs.splits import Queries

SPREAD = 1.0
"""The weight of the equal distribution over all items in the prediction of a context, in plays."""
SURE = 0.999
"""The largest weight of a context; the smallest is the rest to 1. A context can be trusted again."""


class Contexts(NamedTuple):
    """The contexts of a history, with the items that followed each.

    The first nodes are the items, as contexts of one play. Each other node extends a node by the item before
    it.
    """

    n_items: int
    keys: np.ndarray
    """(nodes - items,) int64, ascending: shorter node * items + the item before, of node `items` + place."""
    first: np.ndarray
    """(nodes + 1,) int64: where the followers of each node begin."""
    followers: np.ndarray
    """(pairs,) int64: the items that followed each node, the most frequent first."""
    counts: np.ndarray
    """(pairs,) float64: how often they did."""
    totals: np.ndarray
    """(nodes,) float64: how often any item followed."""
    node_of: np.ndarray
    """(depth, plays) int64: the node of each length of context that each play followed, -1 none."""
    pair_of: np.ndarray
    """(depth, plays) int64: its place in `followers`."""


def contexts_of(history: SessionLog, *, depth: int) -> Contexts:
    """All contexts of at most `depth` plays."""
    n, items = len(history.artists), history.items
    bounds = history.bounds
    since_start = np.arange(len(items)) - np.repeat(bounds[:-1], np.diff(bounds))
    node_of = np.full((depth, len(items)), -1, dtype=np.int64)
    keys: list[np.ndarray] = []
    nodes = n
    for length in range(1, depth + 1):
        asked = np.flatnonzero(since_start >= length)
        if length == 1:
            node_of[0, asked] = items[asked - 1]
            continue
        extended = node_of[length - 2, asked] * n + items[asked - length]
        unique, place = np.unique(extended, return_inverse=True)
        node_of[length - 1, asked] = nodes + place
        keys.append(unique)
        nodes += len(unique)
    there = node_of >= 0
    pairs = node_of * n + items
    unique, place, count = np.unique(pairs[there], return_inverse=True, return_counts=True)
    pair_of = np.full(node_of.shape, -1, dtype=np.int64)
    owner = unique // n
    order = np.lexsort((-count, owner))
    new_place = np.empty(len(order), dtype=np.int64)
    new_place[order] = np.arange(len(order))
    pair_of[there] = new_place[place]
    unique, count = unique[order], count[order]
    return Contexts(
        n_items=n,
        keys=np.concatenate([np.empty(0, dtype=np.int64), *keys]),
        first=np.r_[0, np.cumsum(np.bincount(owner, minlength=nodes))].astype(np.int64),
        followers=unique % n,
        counts=count.astype(np.float64),
        totals=np.bincount(owner, count, minlength=nodes).astype(np.float64),
        node_of=node_of,
        pair_of=pair_of,
    )


@compiled_part
def longer(contexts: Contexts, node: int, item: int) -> int:
    """The node that extends a node by the item before it, -1 if the history lacks that context."""
    key = node * contexts.n_items + item
    place = np.searchsorted(contexts.keys, key)
    if place < len(contexts.keys) and contexts.keys[place] == key:
        return int(contexts.n_items + place)
    return -1


@compiled_part
def contexts_at_end(contexts: Contexts, prefix: np.ndarray, nodes: np.ndarray) -> int:
    """Write the nodes of the contexts at the end of a prefix, the shortest first; returns their number.

    Contexts that nothing followed are left out.
    """
    count, node = 0, -1
    while count < min(len(nodes), len(prefix)):
        item = prefix[len(prefix) - 1 - count]
        node = item if count == 0 else longer(contexts, node, item)
        if node < 0 or contexts.totals[node] == 0:
            break
        nodes[count] = node
        count += 1
    return count


@compiled
def _learn(order: np.ndarray, items: np.ndarray, contexts: Contexts) -> np.ndarray:
    """(nodes,) float64: the weights of the contexts after the plays in their order."""
    n_items, depth = contexts.n_items, len(contexts.node_of)
    weight = np.full(len(contexts.totals), 0.5)
    total, count = np.zeros(len(weight)), np.zeros(len(contexts.counts))
    plays, played = 0.0, np.zeros(n_items)
    for play in order:
        item = items[play]
        mixed = (played[item] + SPREAD / n_items) / (plays + SPREAD)
        played[item] += 1
        plays += 1
        for level in range(depth):
            node, pair = contexts.node_of[level, play], contexts.pair_of[level, play]
            if node < 0:
                break
            own = (count[pair] + SPREAD / n_items) / (total[node] + SPREAD)
            both = weight[node] * own + (1 - weight[node]) * mixed
            if total[node] > 0:
                weight[node] = min(max(weight[node] * own / both, 1 - SURE), SURE)
            mixed = both
            count[pair] += 1
            total[node] += 1
    return weight


@compiled
def _predict(
    items: np.ndarray,
    starts: np.ndarray,
    ends: np.ndarray,
    contexts: Contexts,
    weight: np.ndarray,
    depth: int,
) -> Best:
    score = np.zeros(contexts.n_items)
    best = room_for_best(len(starts))
    nodes = np.empty(depth, dtype=np.int64)
    for query in range(len(starts)):
        length = contexts_at_end(contexts, items[starts[query] : ends[query]], nodes)
        size = 0
        for node in nodes[:length]:
            size += contexts.first[node + 1] - contexts.first[node]
        scored = np.empty(size, dtype=np.int64)
        found, remaining = 0, 1.0
        for level in range(length - 1, -1, -1):
            node = nodes[level]
            share = remaining * weight[node] / contexts.totals[node]
            remaining *= 1 - weight[node]
            for place in range(contexts.first[node], contexts.first[node + 1]):
                item = contexts.followers[place]
                if score[item] == 0:
                    scored[found] = item
                    found += 1
                score[item] += share * contexts.counts[place]
        keep_best(best, query, scored[:found], score)
    return best


class ContextTree:
    """The next track by a context tree; the 200 best items of a query have scores.

    Parameters
    ----------
    depth
        The longest context, in plays.
    """

    def __init__(self, *, depth: int = 3) -> None:
        self.depth = depth

    def __str__(self) -> str:
        return f"depth {self.depth}"

    def fit(self, history: SessionLog) -> ContextTree:
        self.contexts = contexts_of(history, depth=self.depth)
        self.weight = _learn(np.argsort(history.times, kind="stable"), history.items, self.contexts)
        return self

    def scores(self, queries: Queries) -> sparse.csr_matrix:
        best = _predict(queries.items, queries.starts, queries.ends, self.contexts, self.weight, self.depth)
        return as_scores(best, self.contexts.n_items)
