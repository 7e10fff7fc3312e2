"""Estimates of the results of other lists, from the lists that were shown. Pure.

Exploration puts tracks into lists with known probabilities (propensities). A seen track is weighted by the
chance that the other list would have shown it over the chance that it was shown. Two estimators use that:

- *Inverse propensity*, self-normalised (Swaminathan and Joachims, 2015): the weighted mean of the responses.
  Weights are truncated at the square root of their number times their mean (Ionides, 2008), so that the bias
  of the truncation vanishes with more data.
- *Doubly robust* (Dudík, Langford and Li, 2011), self-normalised as well: the mean that a model of the
  responses predicts for the other lists, corrected by the weighted errors of the model on the seen tracks.

A place in a list that fewer listeners look at counts less, in the weights by the ratio of both places'
visibility (a position-based model: Joachims, Swaminathan and Schnabel, 2017). Whether a track was seen is
known here, so visibility is counted.

Responses of one listener are not independent. Variances are those of ratios over listeners, as in
:mod:`segue.engagement.experiments`, with Student's t.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from segue.plays.event import MILLIONTHS


@dataclass(frozen=True)
class Responses:
    """The tracks that were seen; arrays have one entry for each, (n,)."""

    listeners: np.ndarray
    """int64 codes, from 0."""
    rewards: np.ndarray
    """float64: the response whose mean is to be estimated, 0 or 1."""
    weights: np.ndarray
    """float64, at least 0: :func:`importance`."""
    predicted: np.ndarray
    """float64: a model's prediction of the reward. The model has not learned from these responses."""


@dataclass(frozen=True)
class Offered:
    """The tracks of the other lists; arrays have one entry for each, (m,)."""

    listeners: np.ndarray
    """int64 codes, from 0."""
    visible: np.ndarray
    """float64: the visibility of their places."""
    predicted: np.ndarray
    """float64, as in :class:`Responses`."""


@dataclass(frozen=True)
class Estimate:
    """An estimated rate of seen tracks; NaN without any weight."""

    value: float
    influence: np.ndarray
    """(listeners,) float64: how far each listener moves the value; the sum is 0."""

    def interval(self, *, level: float) -> tuple[float, float]:
        """The confidence interval over listeners; not limited to between 0 and 1."""
        listeners = int(np.count_nonzero(self.influence))
        if listeners < 2:
            return float("nan"), float("nan")
        from scipy.stats import t  # takes a second to import

        variance = listeners / (listeners - 1) * float(np.square(self.influence).sum())
        spread = float(t.ppf((1 + level) / 2, listeners - 1)) * variance**0.5
        return self.value - spread, self.value + spread

    def minus(self, other: Estimate) -> Estimate:
        """The difference of two estimates from the same responses."""
        return Estimate(self.value - other.value, self.influence - other.influence)


def usable(propensity: object) -> bool:
    """Whether a stored propensity, in millionths, is a probability."""
    return type(propensity) is int and 1 <= propensity <= MILLIONTHS


def importance(there: np.ndarray, visible: np.ndarray, propensities: np.ndarray) -> np.ndarray:
    """The weights of seen tracks, (n,) float64.

    Parameters
    ----------
    there
        (n,) The visibility of the track's place in the other list; 0 for a track that is not in it.
    visible
        (n,) The visibility of the place at which the track was seen, above 0.
    propensities
        (n,) The probability with which the track was in the list that was shown, at least a millionth.
    """
    weights = np.asarray(there / (visible * propensities), dtype=np.float64)
    return np.minimum(weights, most(weights))


def most(weights: np.ndarray) -> float:
    """The value at which weights are truncated; 0 without weights."""
    return float(np.sqrt(len(weights)) * weights.mean()) if len(weights) else 0.0


def effective_size(weights: np.ndarray) -> float:
    """The number of equally weighted responses that would tell as much (Kish); 0 without any weight."""
    squares = float(np.square(weights).sum())
    return float(weights.sum()) ** 2 / squares if squares else 0.0


def inverse_propensity(responses: Responses, *, listeners: int) -> Estimate:
    """The rate by the weighted responses alone; `listeners` is the number of codes."""
    return _ratio(responses.listeners, responses.weights * responses.rewards, responses.weights, listeners)


def doubly_robust(responses: Responses, offered: Offered, *, listeners: int) -> Estimate:
    """The rate by a model's predictions, corrected by the weighted responses; NaN without any weight."""
    errors = responses.rewards - responses.predicted
    direct = _ratio(offered.listeners, offered.visible * offered.predicted, offered.visible, listeners)
    wrong = _ratio(responses.listeners, responses.weights * errors, responses.weights, listeners)
    return Estimate(direct.value + wrong.value, direct.influence + wrong.influence)


def _ratio(owner: np.ndarray, parts: np.ndarray, of: np.ndarray, listeners: int) -> Estimate:
    """The sum of `parts` over that of `of`, with the influence of each owner (linearised)."""
    total = float(of.sum())
    if not total > 0:
        return Estimate(float("nan"), np.zeros(listeners))
    value = float(parts.sum()) / total
    influence = np.bincount(owner, parts - value * of, minlength=listeners) / total
    return Estimate(value, influence)


def visibility(ranks: np.ndarray, lists: np.ndarray, *, places: int) -> np.ndarray:
    """How likely each place of a list is seen if the list is, (places,) float64 in (0, 1], never rising.

    Parameters
    ----------
    ranks
        (n,) int64: the places of the seen tracks, from 1.
    lists
        (n,) int64: the list of each.
    """
    inside = (ranks >= 1) & (ranks <= places)
    pairs = np.unique(np.stack([lists[inside], ranks[inside] - 1]), axis=1)
    seen = np.bincount(pairs[1], minlength=places) + 0.5
    # Further down is not seen more often: what looks like it is chance.
    falling = np.maximum.accumulate(seen[::-1])[::-1]
    return np.asarray(falling / (len(np.unique(lists)) + 0.5), dtype=np.float64).clip(max=1.0)
