"""Session tastes in a space of tracks, formed in several ways, and their neighbours.

The space is learned from the log's sessions as by `./run.sh models train`, but without sound, which logs
lack: only the part that sessions determine is learned.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy import sparse
from scipy.cluster.hierarchy import fcluster, linkage

from segue.recommenders.session_models import prefix_matrix
from segue.session_logs.logs import SessionLog
from segue.session_logs.splits import Queries
from segue.settings import SessionSpaceSettings

LAST = 60
"""The number of plays of a session that form its taste."""

Taste = Callable[[np.ndarray, sparse.csr_matrix], np.ndarray]
"""Maps (items, d) unit vectors and (p, items) prefixes, weighted by age, to (p, items) cosines with the
taste, or with the nearest of several tastes."""


def average(vectors: np.ndarray, prefixes: sparse.csr_matrix) -> np.ndarray:
    """One taste: the weighted mean of the played tracks."""
    return np.asarray(_unit(prefixes @ vectors) @ vectors.T)


def centroids(count: int) -> Taste:
    """Several tastes: the played tracks in `count` clusters by Ward's method, each with its mean, as in
    PinnerSage (Pal et al., 2020). A track's cosine is that with the nearest taste."""

    def cosines(vectors: np.ndarray, prefixes: sparse.csr_matrix) -> np.ndarray:
        return np.stack(
            [
                (_centres(vectors[prefix.indices], prefix.data, count) @ vectors.T).max(axis=0)
                for prefix in prefixes
            ]
        )

    return cosines


def _centres(vectors: np.ndarray, weights: np.ndarray, count: int) -> np.ndarray:
    if len(vectors) <= count:
        return vectors
    cluster = fcluster(linkage(vectors, "ward"), count, "maxclust")
    weighed = vectors * weights[:, None]
    return _unit(np.stack([weighed[cluster == label].sum(axis=0) for label in np.unique(cluster)]))


def _unit(rows: np.ndarray) -> np.ndarray:
    return np.asarray(rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-9))


class NearTaste:
    """The tracks nearest to the taste of a session, in a space learned from sessions.

    Parameters
    ----------
    taste
        How the taste is formed.
    half_life
        The number of plays after which a weight halves; None: equal weights; 0: the last play only.
    nearest
        The number of candidates.
    """

    def __init__(
        self,
        training: SessionSpaceSettings,
        *,
        taste: Taste = average,
        half_life: float | None,
        nearest: int = 200,
    ) -> None:
        # There is no sound to learn from.
        self.training = training.model_copy(update={"id_dropout": 0.0, "feature_noise": 0.0})
        self.taste, self.half_life, self.nearest = taste, half_life, nearest

    def fit(self, history: SessionLog) -> NearTaste:
        from segue.embeddings.skip_gram import train, vectors

        silence = np.zeros((len(history.artists), 1), dtype=np.float32)
        best = train(history, silence, self.training).best
        self.vectors = vectors(best, silence, known=np.ones(len(silence), dtype=bool))
        return self

    def cosines(self, queries: Queries) -> np.ndarray:
        """(queries, items) float32."""
        decay = 1.0 if self.half_life is None else 0.5 ** (1 / max(self.half_life, 1e-9))
        last = 1 if self.half_life == 0 else LAST
        prefixes = prefix_matrix(queries, len(self.vectors), decay=decay, last=last)
        return self.taste(self.vectors, prefixes).astype(np.float32)

    def scores(self, queries: Queries) -> sparse.csr_matrix:
        return nearest(self.cosines(queries), self.nearest)


def nearest(cosines: np.ndarray, count: int) -> sparse.csr_matrix:
    """The `count` largest positive entries of each row."""
    count = min(count, cosines.shape[1])
    rows = np.argpartition(-cosines, count - 1, axis=1)[:, :count]
    values = np.maximum(np.take_along_axis(cosines, rows, axis=1), 0)
    bounds = np.arange(0, rows.size + 1, count)
    kept = sparse.csr_matrix((values.ravel(), rows.ravel(), bounds), shape=cosines.shape)
    kept.eliminate_zeros()
    return kept
