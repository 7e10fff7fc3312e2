"""A regression that ranks candidates, with weights that depend on the state of the session.

The score of a candidate with the features ``x`` in a session in the state ``z`` is ``x' W z``: each feature
has a weight for each state. The loss is that of a choice among the candidates (McFadden, 1974, conditional
logit): the logarithm of the sum of ``exp(score)`` over the candidates less the score of the one that was
played. W has a penalty on the squares of its entries.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize

from segue.recommenders.compiled import compiled, compiled_part


@compiled_part
def _gated(weights: np.ndarray, state: np.ndarray) -> np.ndarray:
    """(features,) float64: the weights in a state."""
    gated = np.zeros(len(weights))
    for feature in range(len(weights)):
        for number in range(len(state)):
            gated[feature] += weights[feature, number] * state[number]
    return gated


@compiled_part
def _values(weight: np.ndarray, features: np.ndarray) -> np.ndarray:
    """(n,) float64: the weighted sum of each row."""
    values = np.zeros(len(features))
    for row in range(len(features)):
        for feature in range(len(weight)):
            values[row] += weight[feature] * features[row, feature]
    return values


@compiled
def _loss(
    weights: np.ndarray,
    bounds: np.ndarray,
    features: np.ndarray,
    states: np.ndarray,
    chosen: np.ndarray,
    outside: np.ndarray,
) -> tuple[float, np.ndarray]:
    """The sum of the losses of choices, and its gradient (features, states)."""
    gradient = np.zeros(weights.shape)
    total = 0.0
    for query in range(len(chosen)):
        rows = features[bounds[query] : bounds[query + 1]]
        target = chosen[query] - bounds[query]
        share = _values(_gated(weights, states[query]), rows) + outside[query]
        share[target] -= outside[query]
        share = np.exp(share - share.max())
        share /= share.sum()
        total -= np.log(share[target])
        share[target] -= 1
        for feature in range(len(weights)):
            gap = 0.0
            for row in range(len(rows)):
                gap += share[row] * rows[row, feature]
            for state in range(states.shape[1]):
                gradient[feature, state] += gap * states[query, state]
    return total, gradient


@compiled
def _scores(weights: np.ndarray, bounds: np.ndarray, features: np.ndarray, states: np.ndarray) -> np.ndarray:
    scores = np.empty(len(features))
    for query in range(len(states)):
        begin, end = bounds[query], bounds[query + 1]
        scores[begin:end] = _values(_gated(weights, states[query]), features[begin:end])
    return scores


@dataclass(frozen=True, kw_only=True, eq=False)
class Choices:
    """p choices of one candidate among several."""

    bounds: np.ndarray
    """(p + 1,) int64: where the candidates of each choice begin."""
    features: np.ndarray
    """(n, features) float32."""
    states: np.ndarray
    """(p, states) float32."""
    chosen: np.ndarray
    """(p,) int64: the row of the candidate that was chosen."""
    outside: np.ndarray
    """(p,) float64: the logarithm of the number of candidates that each other row stands for."""


@dataclass(frozen=True, kw_only=True, eq=False)
class GatedRegression:
    """A fitted regression."""

    weights: np.ndarray
    """(features, states) float64."""

    def scores(self, bounds: np.ndarray, features: np.ndarray, states: np.ndarray) -> np.ndarray:
        """(n,) float64: the score of each candidate."""
        return _scores(self.weights, bounds, features, states)


def fit_gated_regression(
    choices: Choices,
    *,
    penalty: float,
    steps: int = 200,
    prior: np.ndarray | None = None,
    bounds: Sequence[tuple[float | None, float | None]] | None = None,
) -> GatedRegression:
    """Fit the weights by L-BFGS in at most `steps` steps.

    Parameters
    ----------
    penalty
        Half of it counts for the square of each weight's distance from its prior.
    prior
        (features, states) float64: the weights without evidence; by default 0.
    bounds
        The lowest and the highest value of each weight, by feature, then state; None: no limit.
    """
    shape = (choices.features.shape[1], choices.states.shape[1])
    middle = np.zeros(shape) if prior is None else prior

    def loss(flat: np.ndarray) -> tuple[float, np.ndarray]:
        weights = flat.reshape(shape)
        total, gradient = _loss(
            weights, choices.bounds, choices.features, choices.states, choices.chosen, choices.outside
        )
        away = weights - middle
        return total + penalty / 2 * float((away**2).sum()), (gradient + penalty * away).ravel()

    found = minimize(
        loss, middle.ravel(), jac=True, method="L-BFGS-B", bounds=bounds, options={"maxiter": steps}
    )
    return GatedRegression(weights=found.x.reshape(shape))


def mean_loss(weights: np.ndarray, choices: Choices) -> float:
    """The mean of the negative logarithm of the probability of each choice by some weights."""
    total, _ = _loss(
        weights, choices.bounds, choices.features, choices.states, choices.chosen, choices.outside
    )
    return float(total / len(choices.chosen))
