"""A learned ranker: candidates from many simple sources, in an order that the history's own listening taught.

The last parts of the history, a day each, teach it: the evidence of its sources from the time before, and
which candidate was played. The strength of the penalty is chosen on the last of these parts, on which the
learned order must not be below that of a single source. Then all parts teach the final weights, and the
sources learn from the whole history. It never sees the test.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy import sparse

from segue.recommenders.chosen import LOG_TOO_SHORT
from segue.recommenders.gated_regression import Choices, GatedRegression, fit_gated_regression
from segue.recommenders.nearest_sessions import KEPT
from segue.recommenders.ranker_features import Examples, Feature, State, gather, knowledge_of
from segue.recommenders.session_models import SessionModel, prefix_matrix
from segue.recommenders.top import goal, ranks_of, top_k
from segue.session_logs.logs import SessionLog
from segue.session_logs.splits import Queries, TimeSplit, blocks, last_part, sampled

PARTS = 3
"""The parts of the history that teach, at most."""
ENOUGH = 15_000
"""The queries that teach, at most: each part has an equal share of them."""
OTHERS = 100
"""The candidates of a query that teach besides the one that was played; drawn evenly."""
FEWEST = 50
"""With fewer plays that teach, nothing is learned from them."""
PENALTIES = (1.0, 3.0, 10.0, 30.0)


def fixed(*features: Feature) -> GatedRegression:
    """The order by the sum of some features in every state, with a small weight for popularity."""
    weights = np.zeros((len(Feature), len(State)))
    weights[list(features), State.ALWAYS] = 3.0
    weights[Feature.POPULARITY, State.ALWAYS] = 0.1
    return GatedRegression(weights=weights)


FIXED = {
    "rules and sessions": fixed(Feature.FOLLOWED, Feature.RULE, Feature.SESSIONS),
    "rules": fixed(Feature.RULE),
    "sessions": fixed(Feature.SESSIONS),
    "contexts": fixed(Feature.FOLLOWED, Feature.FOLLOWED_TWO, Feature.FOLLOWED_THREE),
}
"""The orders by the sources that can rank by themselves. Learned weights must not be below any of them."""


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
        self.choice, self.regression = LOG_TOO_SHORT, FIXED["rules and sessions"]
        parts = self._parts(history)
        earlier = [self._taught(part, number)[0] for number, part in enumerate(parts[1:], 1)]
        if sum(len(choices.chosen) for choices in earlier) >= FEWEST:
            self._learn(joined(earlier), parts[0])
        self.knowledge = knowledge_of(history)
        return self

    def _learn(self, earlier: Choices, latest: TimeSplit) -> None:
        """Choose the weights on the latest part, and learn them from all parts unless fixed ones are best."""
        learned = [fit_gated_regression(earlier, penalty=penalty) for penalty in PENALTIES]
        choices, goals = self._taught(latest, 0, [*learned, *FIXED.values()])
        best = int(np.argmax(goals))
        if best < len(learned):
            everything, penalty = joined([choices, earlier]), PENALTIES[best]
            self.regression = fit_gated_regression(everything, penalty=penalty)
            self.choice = f"learned from {len(everything.chosen)} plays, penalty {penalty:g}"
        else:
            name = list(FIXED)[best - len(learned)]
            self.regression = FIXED[name]
            self.choice = f"not learned, the order by {name} was better"

    def _parts(self, history: SessionLog) -> list[TimeSplit]:
        """The parts that teach, the last first."""
        parts: list[TimeSplit] = []
        rest = history
        while len(parts) < PARTS and self.most:
            part = last_part(rest)
            if part is None:
                break
            rest = part.history
            queries = sampled(part.queries, self.most // PARTS, seed=self.seed)
            parts.append(TimeSplit(history=rest, queries=queries))
        return parts

    def _taught(
        self, part: TimeSplit, number: int, asked: Sequence[GatedRegression] = ()
    ) -> tuple[Choices, list[float]]:
        """The choices of a part, and the goal that each regression reaches on it; block by block."""
        knowledge, rng = knowledge_of(part.history), np.random.default_rng(self.seed + 1000 * number)
        choices: list[Choices] = []
        ranks: list[list[np.ndarray]] = [[] for _ in asked]
        for block in blocks(len(part.queries)):
            queries = part.queries.take(block)
            examples = self._candidates(gather(knowledge, queries))
            choices.append(choices_of(examples, queries.targets, rng=rng))
            for regression, of_regression in zip(asked, ranks, strict=True):
                scores = scores_of(regression, examples, knowledge.n_items)
                of_regression.append(ranks_of(scores, queries.targets))
        return joined(choices), [goal(np.concatenate(of_regression)) for of_regression in ranks]

    def _candidates(self, examples: Examples) -> Examples:
        if self.again:
            return examples
        return examples.take(examples.features[:, Feature.HEARD] == 0)

    def scores(self, queries: Queries) -> sparse.csr_matrix:
        examples = self._candidates(gather(self.knowledge, queries))
        return top_k(scores_of(self.regression, examples, self.knowledge.n_items), KEPT)


class FixedOrder:
    """The candidates of the learned ranker, in one of the fixed orders by some of its sources."""

    def __init__(self, name: str) -> None:
        self.regression = FIXED[name]

    def fit(self, history: SessionLog) -> FixedOrder:
        self.knowledge = knowledge_of(history)
        return self

    def scores(self, queries: Queries) -> sparse.csr_matrix:
        examples = gather(self.knowledge, queries)
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


def choices_of(
    examples: Examples, targets: np.ndarray, *, rng: np.random.Generator, others: int = OTHERS
) -> Choices:
    """The queries whose target is a candidate, each with some of the other candidates, drawn evenly."""
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
