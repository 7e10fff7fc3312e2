"""Collaborative filtering for sessions: the plays of like-minded listeners, without regard to the session."""

from __future__ import annotations

import numpy as np
from scipy import linalg, sparse

from segue.recommenders.top import top_k
from segue.session_logs.logs import SessionLog
from segue.session_logs.splits import Queries
from segue.settings import AlsSettings


class AlsRecommender:
    """Implicit ALS on play counts, with the settings of `./run.sh models train`.

    It scores nothing for a listener who is new.
    """

    def __init__(self, settings: AlsSettings, *, candidates: int = 200) -> None:
        self.settings, self.candidates = settings, candidates

    def fit(self, history: SessionLog) -> AlsRecommender:
        shape = (len(history.user_ids), len(history.artists))
        ones = np.ones(len(history), dtype=np.float32)
        plays = sparse.csr_matrix((ones, (history.users, history.items)), shape=shape)
        listeners, items = learned_factors(plays, self.settings)
        self.best = top_k(sparse.csr_matrix(listeners @ items.T), self.candidates)
        return self

    def scores(self, queries: Queries) -> sparse.csr_matrix:
        return self.best[queries.users]


def learned_factors(plays: sparse.csr_matrix, settings: AlsSettings) -> tuple[np.ndarray, np.ndarray]:
    """Listener and item factors, (listeners, factors) and (items, factors) float32, equal to those of
    :func:`segue.spark.als.track_factors` by Spark except for the starting values.

    A pair's confidence is ``1 + alpha log(1 + plays)``, and a row's regularisation is
    `settings.regularisation` times its number of pairs, as in MLlib (Zhou et al., 2008). The package
    `implicit` regularises all rows alike, so that the same number gives a different model there. A row
    without pairs is 0.

    Parameters
    ----------
    plays
        (listeners, items) counts.
    """
    from threadpoolctl import threadpool_limits

    weights = (plays.astype(np.float32).log1p() * np.float32(settings.alpha)).tocsr()
    turned = weights.T.tocsr()
    start = np.random.default_rng(settings.seed).normal(size=(plays.shape[0], settings.factors))
    start *= np.diff(weights.indptr)[:, None] > 0
    listeners = (start / np.maximum(np.linalg.norm(start, axis=1, keepdims=True), 1e-9)).astype(np.float32)
    # The systems are small: threads of the linear algebra would only wait for each other.
    with threadpool_limits(1, "blas"):
        for _ in range(settings.iterations):
            items = _solved(turned, listeners, settings.regularization)
            listeners = _solved(weights, items, settings.regularization)
    return listeners, items


def _solved(weights: sparse.csr_matrix, fixed: np.ndarray, regularisation: float) -> np.ndarray:
    """The factors of each row for fixed column factors; `weights` is the confidence minus 1."""
    factors = np.zeros((weights.shape[0], fixed.shape[1]), dtype=np.float32)
    everything = fixed.T @ fixed
    for row in np.flatnonzero(np.diff(weights.indptr)):
        part = slice(weights.indptr[row], weights.indptr[row + 1])
        near, weight = fixed[weights.indices[part]], weights.data[part]
        left = everything + (near.T * weight) @ near
        left[np.diag_indices_from(left)] += regularisation * len(near)
        factors[row] = linalg.solve(left, near.T @ (1 + weight), assume_a="pos", overwrite_a=True)
    return factors
