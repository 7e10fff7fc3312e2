"""Models over listener-item pairs with play counts: linear item model, factors, neighbours, an ensemble."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import linalg, sparse

from segue.recommenders.similarity import shared_cosine
from segue.recommenders.top import top_k


def listeners_of(plays: sparse.csr_matrix) -> np.ndarray:
    """(items,) int64: the number of listeners of each item."""
    return np.asarray((plays > 0).sum(axis=0)).ravel()


def ease(
    plays: sparse.csr_matrix, *, regularisation: float, popularity: float = 0.0, counts: float = 0.0
) -> np.ndarray:
    """Scores of the linear item model EASE (Steck, 2019), (listeners, items) float32.

    The model predicts each item from all others: with the matrix X of listeners and items its weights are
    ``I - P / diag(P)``, where ``P = (X'X + regularisation I)^-1`` is items by items. Since
    ``X P = K^-1 X`` with ``K = X X' + regularisation I``, the scores need only the inverse of K, which is
    listeners by listeners. So the number of items does not limit the model.

    Parameters
    ----------
    popularity
        Each item's column is divided by its number of listeners to this power, so that items that everybody
        plays count less and are recommended less.
    counts
        An entry is its count, divided by the mean of its listener, to this power; at 0 it is 1.
    """
    listeners = np.maximum(listeners_of(plays), 1)
    entries = plays.tocsr().astype(np.float64)
    items_played = np.maximum(np.diff(entries.indptr), 1)
    mean = np.maximum(np.asarray(entries.sum(axis=1)).ravel() / items_played, 1e-9)
    entries.data = (entries.data / np.repeat(mean, np.diff(entries.indptr))) ** counts
    x = (entries @ sparse.diags(listeners**-popularity)).tocsr()
    k = (x @ x.T).toarray()
    k[np.diag_indices_from(k)] += regularisation
    y = (linalg.inv(k, overwrite_a=True) @ x.toarray()).astype(np.float32)
    diagonal = (1.0 - np.asarray(x.multiply(y).sum(axis=0)).ravel()) / regularisation
    return np.asarray(x.toarray().astype(np.float32) - y / diagonal.astype(np.float32))


def implicit_als(
    plays: sparse.csr_matrix,
    *,
    factors: int,
    regularisation: float,
    alpha: float,
    iterations: int = 15,
    seed: int = 0,
) -> np.ndarray:
    """Scores of implicit alternating least squares (Hu, Koren, Volinsky, 2008), (listeners, items) float32.

    Follows the package `implicit`: the confidence of a pair is ``alpha log(1 + plays)``, without the 1 that
    the paper adds, the confidence of all others is 1, and all rows are regularised alike. Its settings do not
    suit :func:`segue.recommenders.played.learned_factors`, which follows MLlib.
    """
    from implicit.als import AlternatingLeastSquares
    from threadpoolctl import threadpool_limits

    confidence = plays.astype(np.float32).log1p() * np.float32(alpha)
    # `implicit` has its own threads, with which those of the linear algebra would compete.
    with threadpool_limits(1, "blas"):
        model = AlternatingLeastSquares(
            factors=factors,
            regularization=regularisation,
            iterations=iterations,
            random_state=seed,
            num_threads=2,
        )
        model.fit(confidence.tocsr(), show_progress=False)
    return np.asarray(model.user_factors @ model.item_factors.T, dtype=np.float32)


def item_knn(plays: sparse.csr_matrix, *, neighbours: int = 100, shrink: float = 10.0) -> np.ndarray:
    """Scores of item neighbours by shrunk cosine (Sarwar et al., 2001), (listeners, items) float32."""
    binary = (plays > 0).astype(np.float32).tocsr()
    near = top_k(shared_cosine(binary, shrink=shrink), neighbours)
    return np.asarray((binary @ near.T).todense(), dtype=np.float32)


@dataclass(frozen=True, kw_only=True)
class PairEnsemble:
    """EASE plus implicit ALS, each divided by the standard deviation of a listener's scores.

    The defaults are the best of a small search on a fifth of the training pairs of HetRec's first fold.
    """

    regularisation: float = 60.0
    popularity: float = 0.2
    counts: float = 0.2
    factors: int = 64
    als_regularisation: float = 20.0
    alpha: float = 2.0
    als: float = 0.6

    def scores(self, plays: sparse.csr_matrix) -> np.ndarray:
        """(listeners, items) float32 from play counts."""
        linear = ease(
            plays, regularisation=self.regularisation, popularity=self.popularity, counts=self.counts
        )
        latent = implicit_als(
            plays, factors=self.factors, regularisation=self.als_regularisation, alpha=self.alpha
        )
        listeners = np.maximum(listeners_of(plays), 1)
        damped = latent * (listeners**-self.popularity).astype(np.float32)
        return unit_deviation(linear) + np.float32(self.als) * unit_deviation(damped)


def unit_deviation(scores: np.ndarray) -> np.ndarray:
    """Divide each row by its standard deviation."""
    return np.asarray(scores / np.maximum(scores.std(axis=1, keepdims=True), np.float32(1e-9)))


def best_unseen(scores: np.ndarray, seen: sparse.csr_matrix, k: int) -> np.ndarray:
    """(listeners, k) int64: the best items that the listener has not played, best first. Changes `scores`."""
    scores[seen.nonzero()] = -np.inf
    best = np.argpartition(-scores, k, axis=1)[:, :k]
    order = np.argsort(-np.take_along_axis(scores, best, axis=1), axis=1, kind="stable")
    return np.take_along_axis(best, order, axis=1).astype(np.int64)
