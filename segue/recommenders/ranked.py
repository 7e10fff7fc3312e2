"""A learned ranker: candidates from many simple sources, in an order that the history's own listening taught.

The last parts of the history, a day each, teach it: what its sources know of the time before, and which
candidate was played. The strength of the penalty is chosen on the last of these parts. Then all parts teach
the final weights, and the sources learn from the whole history. It never sees the test.
"""

from __future__ import annotations

import numpy as np
from scipy import sparse

from segue.recommenders.chosen import LOG_TOO_SHORT
from segue.recommenders.gated_regression import Choices, GatedRegression, fit_gated_regression
from segue.recommenders.nearest_sessions import KEPT
from segue.recommenders.ranker_features import Examples, Feature, State, gather, knowledge_of
from segue.recommenders.session_models import SessionModel, prefix_matrix
from segue.recommenders.top import goal, ranks_of, top_k
from segue.session_logs.logs import SessionLog
from segue.session_logs.splits import Queries, TimeSplit, last_part, sampled

PARTS = 3
"""The parts of the history that teach, at most."""
ENOUGH = 10_000
"""With so many queries, further parts are left out."""
OTHERS = 100
"""The candidates of a query that teach besides the one that was played; drawn evenly."""
FEWEST = 50
"""With fewer plays that teach, nothing is learned from them."""
PENALTIES = (1.0, 3.0, 10.0, 30.0)


class Ranked:
    """The learned ranker as a session model; the 200 best candidates of a query have scores.

    Parameters
    ----------
    again
        Whether tracks of the session may come again.
    seed
        Of the draws of queries and candidates that teach.
    most
        The queries that teach, at most.
    """

    def __init__(self, *, again: bool = True, seed: int = 0, most: int = ENOUGH) -> None:
        self.again, self.seed, self.most = again, seed, most

    def fit(self, history: SessionLog) -> Ranked:
        parts = self._parts(history)
        self.choice = LOG_TOO_SHORT
        self.regression = GatedRegression(weights=default_weights())
        taught = [self._taught(part, number) for number, part in enumerate(parts)]
        if taught:
            penalty = PENALTIES[2]
            if len(taught) > 1:
                penalty = self._best_penalty(taught, parts[0].queries)
            choices = joined([choices for _, choices in taught])
            if len(choices.chosen) >= FEWEST:
                self.regression = fit_gated_regression(choices, penalty=penalty)
                self.choice = f"learned from {len(choices.chosen)} plays, penalty {penalty:g}"
        self.knowledge = knowledge_of(history)
        return self

    def _parts(self, history: SessionLog) -> list[TimeSplit]:
        """The parts that teach, the last first."""
        parts: list[TimeSplit] = []
        rest = history
        while len(parts) < PARTS and sum(len(part.queries) for part in parts) < 2 * self.most:
            part = last_part(rest)
            if part is None:
                break
            rest = part.history
            parts.append(
                TimeSplit(history=rest, queries=sampled(part.queries, self.most // 2, seed=self.seed))
            )
        return parts

    def _taught(self, part: TimeSplit, number: int) -> tuple[Examples, Choices]:
        examples = self._candidates(gather(knowledge_of(part.history), part.queries), part.queries)
        return examples, choices_of(examples, part.queries.targets, seed=self.seed + 1000 * number)

    def _candidates(self, examples: Examples, queries: Queries) -> Examples:
        if self.again:
            return examples
        return examples.take(examples.features[:, Feature.HEARD] == 0)

    def _best_penalty(self, taught: list[tuple[Examples, Choices]], queries: Queries) -> float:
        earlier, asked = joined([choices for _, choices in taught[1:]]), taught[0][0]
        if len(earlier.chosen) < FEWEST:
            return PENALTIES[-1]
        goals = []
        for penalty in PENALTIES:
            regression = fit_gated_regression(earlier, penalty=penalty)
            scores = scores_of(regression, asked, int(asked.items.max(initial=0)) + 1)
            goals.append(goal(ranks_of(scores, queries.targets)))
        return PENALTIES[int(np.argmax(goals))]

    def scores(self, queries: Queries) -> sparse.csr_matrix:
        examples = self._candidates(gather(self.knowledge, queries), queries)
        return top_k(scores_of(self.regression, examples, self.knowledge.n_items), KEPT)


class RepeatsLimited:
    """The lists of a model with at most so many of the session's last 100 tracks; the best of these stay."""

    def __init__(self, model: SessionModel, most: int) -> None:
        self.model, self.most = model, most

    def fit(self, history: SessionLog) -> RepeatsLimited:
        self.model.fit(history)
        return self

    def scores(self, queries: Queries) -> sparse.csr_matrix:
        scores = self.model.scores(queries)
        heard = scores.multiply(prefix_matrix(queries, scores.shape[1]) > 0).tocsr()
        limited = sparse.csr_matrix(scores - heard + top_k(heard, self.most))
        limited.eliminate_zeros()
        return limited


def default_weights() -> np.ndarray:
    """(features, states) weights for a history from which nothing can be learned: rules and sessions."""
    weights = np.zeros((len(Feature), len(State)))
    weights[[Feature.FOLLOWED, Feature.RULE, Feature.SESSIONS], State.ALWAYS] = 3.0
    weights[Feature.POPULARITY, State.ALWAYS] = 0.1
    return weights


def scores_of(regression: GatedRegression, examples: Examples, n_items: int) -> sparse.csr_matrix:
    """(queries, items) float32: positive scores in the order of the regression's."""
    values = regression.scores(examples.bounds, examples.features, examples.states)
    count = np.diff(examples.bounds)
    asked = np.flatnonzero(count)
    highest = np.zeros(len(count))
    if len(asked):
        highest[asked] = np.maximum.reduceat(values, examples.bounds[asked])
    likely = np.exp(np.maximum(values - np.repeat(highest, count), -80.0)).astype(np.float32)
    scores = sparse.csr_matrix((likely, examples.items, examples.bounds), shape=(len(count), n_items))
    scores.sort_indices()
    return scores


def choices_of(examples: Examples, targets: np.ndarray, *, seed: int, others: int = OTHERS) -> Choices:
    """The queries whose target is a candidate, each with some of the other candidates, drawn evenly."""
    rng = np.random.default_rng(seed)
    count = np.diff(examples.bounds)
    query = np.repeat(np.arange(len(count)), count)
    is_target = examples.items == targets[query]
    found = np.zeros(len(count), dtype=bool)
    found[query[is_target]] = True
    # The target comes first, then the others in a random order.
    order = np.lexsort((rng.random(len(query)), ~is_target, query))
    rank = np.arange(len(query)) - np.repeat(examples.bounds[:-1], count)
    kept = order[(rank <= others) & found[query]]
    sizes = np.minimum(count, others + 1)[found]
    bounds = np.r_[0, np.cumsum(sizes)].astype(np.int64)
    stands_for = np.maximum(count[found] - 1, 1) / np.maximum(sizes - 1, 1)
    return Choices(
        bounds=bounds,
        features=examples.features[kept],
        states=examples.states[found],
        chosen=bounds[:-1],
        outside=np.log(stands_for),
    )


def joined(several: list[Choices]) -> Choices:
    """The choices of several parts as one."""
    rows = np.cumsum([0, *(len(choices.features) for choices in several)])
    return Choices(
        bounds=np.concatenate(
            [*(choices.bounds[:-1] + row for choices, row in zip(several, rows, strict=False)), rows[-1:]]
        ).astype(np.int64),
        features=np.concatenate([choices.features for choices in several]),
        states=np.concatenate([choices.states for choices in several]),
        chosen=np.concatenate(
            [choices.chosen + row for choices, row in zip(several, rows, strict=False)]
        ).astype(np.int64),
        outside=np.concatenate([choices.outside for choices in several]),
    )
