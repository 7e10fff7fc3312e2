"""Session models by rules from one track to the next, learned from all listeners or from one listener."""

from __future__ import annotations

import numpy as np
from scipy import sparse

from segue.recommenders.session_models import end_matrix, prefix_matrix
from segue.session_logs.logs import SessionLog
from segue.session_logs.splits import Queries


class SequentialRules:
    """Sequential rules from `a` to a later `b`, weighted by 1 / gap (Ludewig and Jannach, 2018).

    `reach` is the largest gap that is learned, `gap_power` how fast a rule weakens with the gap, `back` the
    weight of reversed rules, `decay` the weight of the prefix before its last item (0: the last item only),
    and `cap` the most that a listener may add to a rule.
    """

    def __init__(
        self,
        *,
        reach: int = 10,
        gap_power: float = 1.0,
        back: float = 0.0,
        decay: float = 0.0,
        confidence: float = 0.0,
        cap: float | None = None,
    ) -> None:
        self.reach, self.gap_power, self.back = reach, gap_power, back
        self.decay, self.confidence, self.cap = decay, confidence, cap

    def fit(self, history: SessionLog) -> SequentialRules:
        n = len(history.artists)
        self.rules = rule_matrix(history, reach=self.reach, gap_power=self.gap_power, cap=self.cap)
        if self.back:
            self.rules = (self.rules + self.back * self.rules.T).tocsr()
        if self.confidence:
            seen = np.maximum(np.bincount(history.items, minlength=n), 1).astype(np.float32)
            self.rules = (sparse.diags(seen**-self.confidence) @ self.rules).tocsr()
        return self

    def scores(self, queries: Queries) -> sparse.csr_matrix:
        return (end_matrix(queries, self.rules.shape[0], decay=self.decay) @ self.rules).tocsr()


def rule_matrix(
    history: SessionLog, *, reach: int, gap_power: float = 1.0, cap: float | None = None
) -> sparse.csr_matrix:
    """(items, items) float32: how often the column followed the row within a session, by gap ** -gap_power.

    With `cap`, a listener adds at most that much to a rule.
    """
    n = len(history.artists)
    a, b, user, weight = _followed(history, reach=reach, gap_power=gap_power)
    keep = a != b
    a, b, user, weight = a[keep], b[keep], user[keep], weight[keep]
    if cap is not None and len(a):
        key = (user * n + a) * n + b
        unique, place = np.unique(key, return_inverse=True)
        weight = np.minimum(np.bincount(place, weight, minlength=len(unique)), cap).astype(np.float32)
        a, b = unique // n % n, unique % n
    return sparse.csr_matrix((weight, (a, b)), shape=(n, n))


def _followed(
    history: SessionLog, *, reach: int, gap_power: float = 1.0
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Pairs of an item and a later one of the same session, at most `reach` plays apart.

    Returns
    -------
    (m,) each: items, the items after them, listeners, weights (float32): the gap ** -gap_power.
    """
    parts = []
    for gap in range(1, reach + 1):
        first = np.flatnonzero(history.sessions[gap:] == history.sessions[:-gap])
        weight = np.full(len(first), float(gap) ** -gap_power, dtype=np.float32)
        parts.append((history.items[first], history.items[first + gap], history.users[first], weight))
    a, b, user, weight = (np.concatenate(column) for column in zip(*parts, strict=True))
    return a, b, user, weight


class ListenerRules:
    """The rules of this listener: the tracks they have played after the last items of the session."""

    def __init__(self, *, reach: int = 3, decay: float = 0.3) -> None:
        self.reach, self.decay = reach, decay

    def fit(self, history: SessionLog) -> ListenerRules:
        self.n_items = len(history.artists)
        a, b, user, weight = _followed(history, reach=self.reach)
        self.keys, row = np.unique(user * self.n_items + a, return_inverse=True)
        self.after = sparse.csr_matrix((weight, (row, b)), shape=(len(self.keys), self.n_items))
        return self

    def scores(self, queries: Queries) -> sparse.csr_matrix:
        if not len(self.keys):  # no listener has played two tracks in a session
            return sparse.csr_matrix((len(queries), self.n_items), dtype=np.float32)
        prefix = prefix_matrix(queries, self.n_items, decay=self.decay, last=5).tocoo()
        wanted = queries.users[prefix.row] * self.n_items + prefix.col
        place = np.searchsorted(self.keys, wanted)
        known = np.flatnonzero(self.keys[np.minimum(place, len(self.keys) - 1)] == wanted)
        pick = sparse.csr_matrix(
            (prefix.data[known], (prefix.row[known], place[known])), shape=(len(queries), len(self.keys))
        )
        return (pick @ self.after).tocsr()
