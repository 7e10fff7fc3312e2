"""Models whose parameters or weights are chosen on the last part of the history that they are fitted to.

Parameters that were tuned on one log can be wrong for another. These models choose anew for each history, and
report their choice in `choice`. They see nothing but the history.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import reduce
from operator import add

import numpy as np
from scipy import sparse

from segue.recommenders.context_tree import ContextTree
from segue.recommenders.nearest_sessions import MIDDLING, NearestSessions, Weighting
from segue.recommenders.session_ensemble import EnsembleMember, SessionEnsemble, member_models
from segue.recommenders.session_models import SessionModel
from segue.recommenders.top import goal, ranks_of, scaled, top_k
from segue.session_logs.logs import SessionLog
from segue.session_logs.splits import Queries, blocks, last_part, sampled

ASKED = 1000
"""The queries by which a choice is made, at most."""
LOG_TOO_SHORT = "not chosen, the history is too short"
NOTHING_FOUND = "not chosen, no track of the last part of the history was found"


def reached(model: SessionModel, queries: Queries) -> float:
    """The goal that a fitted model reaches; it answers block by block."""
    ranks = []
    for block in blocks(len(queries)):
        asked = queries.take(block)
        ranks.append(ranks_of(model.scores(asked), asked.targets))
    return goal(np.concatenate(ranks))


class Chosen:
    """The best of several models, which differ in their parameters.

    It is the first if there is no last part, or if no model finds a track of it.
    """

    def __init__(self, options: Sequence[Callable[[], SessionModel]]) -> None:
        self.options = options

    def fit(self, history: SessionLog) -> Chosen:
        part = last_part(history)
        best = self.options[0]
        self.choice = LOG_TOO_SHORT
        if part is not None:
            queries = sampled(part.queries, ASKED)
            goals = [reached(make().fit(part.history), queries) for make in self.options]
            best = self.options[int(np.argmax(goals))]
            self.choice = NOTHING_FOUND if max(goals) == 0 else str(best())
        self.model = best()
        self.model.fit(history)
        return self

    def scores(self, queries: Queries) -> sparse.csr_matrix:
        return self.model.scores(queries)


def context_tree() -> Chosen:
    """A context tree of a chosen depth."""
    return Chosen([lambda depth=depth: ContextTree(depth=depth) for depth in (2, 1, 3, 5)])  # type: ignore[misc]


def nearest_sessions(grid: Sequence[Weighting]) -> Chosen:
    """A model of nearest sessions with chosen parameters."""
    return Chosen([lambda weighting=weighting: NearestSessions(weighting) for weighting in grid])  # type: ignore[misc]


STEPS = (0.0, 0.03, 0.1, 0.2, 0.35, 0.6, 1.0, 1.7, 3.0, 6.0)
"""The weights that are tried."""
ROUNDS = 3
CANDIDATES = 150
"""The best items of each member that take part."""
LEAST_GAIN = 0.0005
"""The goal must rise by this much for a member to have any weight."""


def blend_members() -> dict[str, SessionModel]:
    """Those of the ensemble, with a context tree, and nearest sessions that are compiled."""
    return {
        **member_models(),
        "sessions": NearestSessions(MIDDLING),
        "contexts": ContextTree(depth=3),
    }


class ChosenBlend:
    """The ensemble of session models with weights chosen for the history, by coordinate search.

    The search begins with the best member alone. On the last part of the history, the blend is never below
    one of its members; a member that brings nothing has no weight. All members have the same weight if there
    is no last part, or if no member finds a track of it.
    """

    def fit(self, history: SessionLog) -> ChosenBlend:
        part = last_part(history)
        models = blend_members()
        weights = dict.fromkeys(models, 1.0)
        self.choice = LOG_TOO_SHORT
        if part is not None:
            queries = sampled(part.queries, ASKED)
            scores = {name: best_scores(model.fit(part.history), queries) for name, model in models.items()}
            if found := search_weights(scores, queries.targets):
                weights = found
                self.choice = ", ".join(f"{name} {weight:g}" for name, weight in weights.items() if weight)
            else:
                self.choice = NOTHING_FOUND
        members = [
            EnsembleMember(name, model, weights[name]) for name, model in models.items() if weights[name]
        ]
        self.ensemble = SessionEnsemble(members, candidates=CANDIDATES).fit(history)
        return self

    def scores(self, queries: Queries) -> sparse.csr_matrix:
        return self.ensemble.scores(queries)


def best_scores(model: SessionModel, queries: Queries) -> sparse.csr_matrix:
    """The scaled scores of the best items of a fitted model, which answers block by block."""
    parts = (model.scores(queries.take(block)) for block in blocks(len(queries)))
    return sparse.vstack([top_k(scaled(scores), CANDIDATES) for scores in parts], format="csr")


def search_weights(scores: dict[str, sparse.csr_matrix], targets: np.ndarray) -> dict[str, float]:
    """Weights of scaled scores for a high goal; those that bring nothing are 0.

    The goal is at least that of the best scores alone. Without any target among the scores, there are no
    weights.
    """

    def goal_of(weights: dict[str, float]) -> float:
        used = [weight * scores[name] for name, weight in weights.items() if weight]
        return goal(ranks_of(reduce(add, used).tocsr(), targets)) if used else 0.0

    alone = {name: goal_of({name: 1.0}) for name in scores}
    first = max(alone, key=lambda name: alone[name])
    if alone[first] == 0:
        return {}
    weights = {name: float(name == first) for name in scores}
    best = highest = alone[first]
    for _ in range(ROUNDS):
        before = best
        for name in sorted(scores, key=lambda name: -alone[name]):
            for step in STEPS:
                if step == weights[name]:
                    continue
                tried = goal_of(weights | {name: step})
                if step == 0:
                    # A member leaves if it is not missed. Losses must not add up: the highest goal counts.
                    better = tried > highest - LEAST_GAIN and tried >= alone[first]
                else:
                    better = tried > best + (LEAST_GAIN if weights[name] == 0 else 1e-9)
                if better:
                    weights, best = weights | {name: step}, tried
                    highest = max(highest, best)
        if best <= before:
            break
    return weights
