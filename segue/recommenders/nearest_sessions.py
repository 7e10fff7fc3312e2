"""Nearest-neighbour session models in their published forms: V-SKNN, STAN and VSTAN.

All three look for the sessions most like the prefix, and recommend their items. They differ in weights:

- V-SKNN: the end of the prefix counts more, and of the sessions that share an item, only the latest are
  compared (Ludewig and Jannach, 2018, "Evaluation of session-based recommendation algorithms").
- STAN: the same as a decay, with decays by the age of a session and by the distance from the item in common
  (Garg et al., 2019, "Sequence and time aware neighborhood for session-based recommendations").
- VSTAN: both, and rare items count more (Ludewig et al., 2021, "Empirical analysis of session-based
  recommendation algorithms").
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy import sparse

from segue.recommenders.compiled import compiled, compiled_part
from segue.recommenders.session_models import LONGEST
from segue.session_logs.logs import SessionLog
from segue.session_logs.splits import DAY, Queries

KEPT = 200
"""The best items of a query that are returned."""
SMALLEST = 1e-30
"""The least score of an item of a nearest session: the smallest products of decays are 0."""


class Weighting(NamedTuple):
    """The parameters of a model of nearest sessions. A decay of 0 means that there is none."""

    neighbours: int = 500
    latest: int = 0
    """Of the sessions that share an item with the prefix, only so many of the latest are compared; 0: all."""
    prefix_decay: float = 0.0
    """Items of the prefix: ``exp(-g / prefix_decay)`` for an item g plays before the end. 0: the weight falls
    linearly from the end of the prefix to its beginning."""
    cosine: bool = True
    """Whether the similarity is divided by the root of the number of plays of the neighbour."""
    age_decay: float = 0.0
    """Neighbours that ended t days before the query: ``exp(-t / age_decay)``."""
    match_decay: float = 0.0
    """Neighbours whose latest common item is g plays before the end of the prefix:
    ``exp(-g / match_decay)``. 0: ``1 - 0.1 g``, and nothing from 10 plays on."""
    distance_decay: float = 0.0
    """Items that a neighbour played d plays from that common item: ``exp(-d / distance_decay)``."""
    rarity: float = 0.0
    """Items count by ``1 + rarity * log(sessions / sessions with the item)``."""

    def described(self) -> str:
        """The parameters that are not 0, for people."""
        return ", ".join(f"{name} {value:g}" for name, value in self._asdict().items() if value)


def v_sknn(neighbours: int, latest: int, *, rarity: float = 1.0) -> Weighting:
    """V-SKNN with linear weights."""
    return Weighting(neighbours=neighbours, latest=latest, cosine=False, rarity=rarity)


def stan(neighbours: int, prefix_decay: float, age_decay: float, distance_decay: float) -> Weighting:
    """STAN with its three decays: of the prefix in plays, of age in days, of distance in plays."""
    return Weighting(
        neighbours=neighbours,
        prefix_decay=prefix_decay,
        age_decay=age_decay,
        match_decay=float("inf"),
        distance_decay=distance_decay,
    )


def vstan(
    neighbours: int, prefix_decay: float, age_decay: float, distance_decay: float, *, rarity: float = 1.0
) -> Weighting:
    """VSTAN: STAN with the rarity of items, the weight of the match, and the latest sessions only."""
    return Weighting(
        neighbours=neighbours,
        latest=5000,
        prefix_decay=prefix_decay,
        age_decay=age_decay,
        match_decay=prefix_decay,
        distance_decay=distance_decay,
        rarity=rarity,
    )


GRIDS = {
    "v-sknn": tuple(
        v_sknn(neighbours, latest, rarity=rarity)
        for neighbours, latest in ((100, 1000), (500, 2500), (1000, 5000))
        for rarity in (0.0, 1.0, 5.0)
    ),
    "stan": tuple(
        stan(neighbours, prefix, age, distance)
        for neighbours in (200, 1000)
        for prefix, age in ((1.0, 5.0), (3.0, 20.0), (1.0, 80.0))
        for distance in (0.7, 2.0, 9.0)
    ),
    "vstan": tuple(
        vstan(neighbours, prefix, age, distance, rarity=rarity)
        for neighbours in (200, 1000)
        for prefix, age in ((1.0, 5.0), (3.0, 80.0))
        for distance in (0.7, 2.0, 9.0)
        for rarity in (0.0, 2.0)
    ),
}
"""The parameters that are tried, as far as the papers report that they matter."""


MIDDLING = vstan(300, 3.0, 10.0, 5.0)
"""VSTAN with middling parameters, for models that weigh it themselves."""


class SessionTable(NamedTuple):
    """The sessions of a history in the order of their ends, for looking up those that have an item."""

    bounds: np.ndarray
    """(sessions + 1,) int64: where the plays of each session begin in `items`."""
    items: np.ndarray
    """(plays,) int64."""
    ended: np.ndarray
    """(sessions,) float64, ascending."""
    first: np.ndarray
    """(items + 1,) int64: where the sessions of each item begin in `having`."""
    having: np.ndarray
    """(entries,) int64: the sessions that have the item, the latest first."""
    rarity: np.ndarray
    """(items,) float64: log(sessions / sessions with the item)."""


def session_table(history: SessionLog) -> SessionTable:
    """The table of a history."""
    n, bounds = len(history.artists), history.bounds
    lengths = np.diff(bounds)
    ended = np.maximum.reduceat(history.times, bounds[:-1]) if len(history) else np.empty(0)
    order = np.argsort(ended, kind="stable")
    new_bounds = np.r_[0, np.cumsum(lengths[order])].astype(np.int64)
    places = np.repeat(bounds[order] - new_bounds[:-1], lengths[order]) + np.arange(len(history))
    items = history.items[places]
    sessions = max(len(order), 1)
    pairs = np.unique(items * sessions + (sessions - 1 - np.repeat(np.arange(len(order)), lengths[order])))
    count = np.bincount(pairs // sessions, minlength=n)
    return SessionTable(
        bounds=new_bounds,
        items=items,
        ended=ended[order],
        first=np.r_[0, np.cumsum(count)].astype(np.int64),
        having=sessions - 1 - pairs % sessions,
        rarity=np.log(sessions / np.maximum(count, 1)),
    )


class Scratch(NamedTuple):
    """Arrays that one thread uses for query after query; `similar` and `score` are 0 in between."""

    similar: np.ndarray
    """(sessions,) float64."""
    latest_common: np.ndarray
    """(sessions,) int64: how many plays before the end of the prefix the latest common item is."""
    score: np.ndarray
    """(items,) float64."""


@compiled_part
def scratch_for(table: SessionTable) -> Scratch:
    """Arrays for queries on a table."""
    sessions = len(table.ended)
    return Scratch(np.zeros(sessions), np.zeros(sessions, dtype=np.int64), np.zeros(len(table.rarity)))


@compiled_part
def _with(entries: np.ndarray, count: int, entry: int) -> np.ndarray:
    """The array with an entry at the place `count`, twice as large if it was full."""
    if count == len(entries):
        larger = np.empty(2 * count, dtype=np.int64)
        larger[:count] = entries
        entries = larger
    entries[count] = entry
    return entries


@compiled_part
def is_in_end(prefix: np.ndarray, back: int) -> bool:
    """Whether the item `back` plays before the end of the prefix was played again after that."""
    item = prefix[len(prefix) - 1 - back]
    for later in range(back):  # noqa: SIM110 - numba has no generators
        if prefix[len(prefix) - 1 - later] == item:
            return True
    return False


@compiled_part
def _sharing(prefix: np.ndarray, table: SessionTable, w: Weighting, scratch: Scratch) -> np.ndarray:
    """The sessions that share an item with the prefix; `similar` has the weight of the common items."""
    found = np.empty(1024, dtype=np.int64)
    count, length = 0, len(prefix)
    for back in range(min(length, LONGEST)):
        if is_in_end(prefix, back):
            continue
        item = prefix[length - 1 - back]
        weight = np.exp(-back / w.prefix_decay) if w.prefix_decay > 0 else (length - back) / length
        weight *= 1 + w.rarity * table.rarity[item]
        begin, end = table.first[item], table.first[item + 1]
        if w.latest > 0:
            end = min(end, begin + w.latest)
        for session in table.having[begin:end]:
            if scratch.similar[session] == 0:
                found = _with(found, count, session)
                count += 1
                scratch.latest_common[session] = back
            scratch.similar[session] += weight
    found = found[:count].copy()
    if w.latest > 0 and count > w.latest:
        found.sort()
        for session in found[: count - w.latest]:
            scratch.similar[session] = 0
        found = found[count - w.latest :].copy()
    return found


@compiled_part
def _similarities(
    found: np.ndarray, now: float, table: SessionTable, w: Weighting, scratch: Scratch
) -> np.ndarray:
    """(found,) float64: the similarities of sessions, and 0 for those that are not among the nearest."""
    value = np.empty(len(found))
    for number, session in enumerate(found):
        value[number] = scratch.similar[session]
        scratch.similar[session] = 0
        if w.cosine:
            value[number] /= np.sqrt(float(table.bounds[session + 1] - table.bounds[session]))
        if w.age_decay > 0:
            value[number] *= np.exp(-max(now - table.ended[session], 0.0) / DAY / w.age_decay)
    if len(found) > w.neighbours:
        bar = np.partition(value, len(found) - w.neighbours)[len(found) - w.neighbours]
        for number in range(len(found)):
            if value[number] < bar:
                value[number] = 0
    return value


@compiled_part
def compare_sessions(
    prefix: np.ndarray, now: float, table: SessionTable, w: Weighting, scratch: Scratch
) -> np.ndarray:
    """Add the scores of the items of the nearest sessions to `scratch.score`, and return these items."""
    found = _sharing(prefix, table, w, scratch)
    value = _similarities(found, now, table, w, scratch)
    scored = np.empty(1024, dtype=np.int64)
    total = 0
    for number, session in enumerate(found):
        back = scratch.latest_common[session]
        match = np.exp(-back / w.match_decay) if w.match_decay > 0 else max(1 - 0.1 * back, 0.0)
        if value[number] <= 0 or match <= 0:
            continue
        end = table.bounds[session + 1]
        common = end - 1
        while table.items[common] != prefix[len(prefix) - 1 - back]:
            common -= 1
        for place in range(table.bounds[session], end):
            item = table.items[place]
            gain = value[number] * match * (1 + w.rarity * table.rarity[item])
            if w.distance_decay > 0:
                gain *= np.exp(-abs(place - common) / w.distance_decay)
            if scratch.score[item] == 0:
                scored = _with(scored, total, item)
                total += 1
            scratch.score[item] += max(gain, SMALLEST)
    return scored[:total].copy()


class Best(NamedTuple):
    """The best items of p queries."""

    items: np.ndarray
    """(p, 200) int64, in no order."""
    scores: np.ndarray
    """(p, 200) float32."""
    counts: np.ndarray
    """(p,) int64: how many entries of each row are set."""


@compiled_part
def room_for_best(queries: int) -> Best:
    """Empty rows for the best items of queries."""
    return Best(
        np.empty((queries, KEPT), dtype=np.int64),
        np.empty((queries, KEPT), dtype=np.float32),
        np.zeros(queries, dtype=np.int64),
    )


@compiled_part
def keep_best(best: Best, query: int, scored: np.ndarray, score: np.ndarray) -> None:
    """Write the best of the scored items to the row of the query, and clear their scores."""
    value = score[scored]
    score[scored] = 0
    bar = -1.0
    if len(value) > KEPT:
        bar = np.partition(value, len(value) - KEPT)[len(value) - KEPT]
    kept = 0
    for number in range(len(scored)):
        if value[number] > bar:
            best.items[query, kept], best.scores[query, kept] = scored[number], value[number]
            kept += 1
    for number in range(len(scored)):
        if value[number] == bar and kept < KEPT:
            best.items[query, kept], best.scores[query, kept] = scored[number], value[number]
            kept += 1
    best.counts[query] = kept


def as_scores(best: Best, n_items: int) -> sparse.csr_matrix:
    """(queries, items) float32."""
    inside = np.arange(KEPT) < best.counts[:, None]
    bounds = np.r_[0, np.cumsum(best.counts)]
    scores = sparse.csr_matrix(
        (best.scores[inside], best.items[inside], bounds), shape=(len(best.counts), n_items)
    )
    scores.sort_indices()
    return scores


@compiled
def _answer(
    items: np.ndarray,
    starts: np.ndarray,
    ends: np.ndarray,
    times: np.ndarray,
    table: SessionTable,
    w: Weighting,
) -> Best:
    scratch = scratch_for(table)
    best = room_for_best(len(starts))
    for query in range(len(starts)):
        prefix = items[starts[query] : ends[query]]
        scored = compare_sessions(prefix, times[query], table, w, scratch)
        keep_best(best, query, scored, scratch.score)
    return best


class NearestSessions:
    """A model of nearest sessions; the 200 best items of a query have scores."""

    def __init__(self, weighting: Weighting) -> None:
        self.weighting = weighting

    def __str__(self) -> str:
        return self.weighting.described()

    def fit(self, history: SessionLog) -> NearestSessions:
        self.table = session_table(history)
        return self

    def scores(self, queries: Queries) -> sparse.csr_matrix:
        best = _answer(queries.items, queries.starts, queries.ends, queries.times, self.table, self.weighting)
        return as_scores(best, len(self.table.rarity))
