"""Models over listener-item pairs with play counts: linear item model, factors, neighbours, their blend."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import linalg, sparse


def ease(plays: sparse.csr_matrix, *, regularisation: float, min_listeners: int = 3) -> np.ndarray:
    """Scores of the linear item model EASE (Steck, 2019), (listeners, items) float32.

    Items that fewer than `min_listeners` listeners played are left at 0: the model has a weight for each pair
    of items and is solved in the cube of their number.
    """
    binary = (plays > 0).astype(np.float32).tocsr()
    kept = np.flatnonzero(np.asarray(binary.sum(axis=0)).ravel() >= min_listeners)
    part = binary[:, kept]
    gram = (part.T @ part).toarray()
    gram[np.diag_indices_from(gram)] += np.float32(regularisation)
    factor, _ = linalg.lapack.spotrf(gram, lower=1, overwrite_a=1)
    half, _ = linalg.lapack.spotri(factor, lower=1, overwrite_c=1)
    # Only the lower half was written.
    weights = np.tril(half) + np.tril(half, -1).T
    weights /= -np.diag(weights).copy()
    np.fill_diagonal(weights, 0.0)
    scores = np.zeros(plays.shape, dtype=np.float32)
    scores[:, kept] = part @ weights
    return scores


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

    A pair's confidence is ``1 + alpha log(1 + plays)``.
    """
    from implicit.als import AlternatingLeastSquares

    confidence = plays.astype(np.float32).log1p() * np.float32(alpha)
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
    """Scores of item neighbours by shrunk cosine of their listeners (Sarwar et al., 2001), float32."""
    binary = (plays > 0).astype(np.float32).tocsr()
    together = (binary.T @ binary).tocoo()
    size = np.asarray(binary.sum(axis=0)).ravel()
    likeness = together.data / (np.sqrt(size[together.row] * size[together.col]) + shrink)
    likeness[together.row == together.col] = 0
    from segue.recommenders.top import top_k

    near = top_k(
        sparse.csr_matrix((likeness, (together.row, together.col)), shape=together.shape), neighbours
    )
    return np.asarray((binary @ near.T).todense(), dtype=np.float32)


@dataclass(frozen=True, kw_only=True)
class PairBlend:
    """The blend of pair models; its defaults are the best of a small search in the first training fold."""

    regularisation: float = 100.0
    als: float = 0.5
    knn: float = 0.0
    damping: float = 0.6

    def scores(self, models: dict[str, np.ndarray], listeners: np.ndarray) -> np.ndarray:
        """Standardised scores of the models, weighed; then less `damping` times the log of the listeners.

        Parameters
        ----------
        models
            `ease`, `als` and, where it counts, `knn`: (listeners, items) each.
        listeners
            (items,) how many listeners each item has.
        """
        total = standardised(models["ease"]) + self.als * standardised(models["als"])
        if self.knn:
            total += self.knn * standardised(models["knn"])
        return total - self.damping * np.log1p(listeners).astype(np.float32)


def standardised(scores: np.ndarray) -> np.ndarray:
    """Each row with mean 0 and deviation 1."""
    deviation = scores.std(axis=1, keepdims=True)
    return (scores - scores.mean(axis=1, keepdims=True)) / np.maximum(deviation, 1e-9)


def best_unseen(scores: np.ndarray, seen: sparse.csr_matrix, k: int) -> np.ndarray:
    """(listeners, k) int64: the best items that the listener has not played, best first. Changes `scores`."""
    scores[seen.nonzero()] = -np.inf
    best = np.argpartition(-scores, k, axis=1)[:, :k]
    order = np.argsort(-np.take_along_axis(scores, best, axis=1), axis=1, kind="stable")
    return np.take_along_axis(best, order, axis=1).astype(np.int64)
