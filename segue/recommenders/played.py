"""Collaborative filtering for sessions: what like-minded listeners play, whatever the session has heard."""

from __future__ import annotations

import numpy as np
from scipy import sparse

from segue.evaluation.logs import SessionLog
from segue.evaluation.splits import Queries
from segue.recommenders.pairs import implicit_als
from segue.recommenders.top import top_k
from segue.settings import Models


class Als:
    """Implicit ALS on how often listeners have played tracks, with the settings of `./run.sh models train`.

    Of a listener who is new it knows nothing.
    """

    def __init__(self, models: Models, *, candidates: int = 200) -> None:
        self.models, self.candidates = models, candidates

    def fit(self, history: SessionLog) -> Als:
        shape = (len(history.user_ids), len(history.artists))
        ones = np.ones(len(history), dtype=np.float32)
        plays = sparse.csr_matrix((ones, (history.users, history.items)), shape=shape)
        scores = implicit_als(
            plays,
            factors=self.models.factors,
            regularisation=self.models.regularisation,
            alpha=self.models.alpha,
            iterations=self.models.iterations,
            seed=self.models.seed,
        )
        scores[np.diff(plays.indptr) == 0] = 0
        self.best = top_k(sparse.csr_matrix(scores), self.candidates)
        return self

    def scores(self, queries: Queries) -> sparse.csr_matrix:
        return self.best[queries.users]
