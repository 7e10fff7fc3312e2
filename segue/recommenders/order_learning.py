"""Learns the weights of a learned order (:mod:`segue.ranking.learned_order`) from choices among candidates.

A choice is a track that a listener heard to the end, among candidates that they did not take. The weights
stay near given ones unless the choices say otherwise, and keep the signs that an order must have. The
strength of the penalty is chosen on the latest choices. If the given weights rank these choices as well, they
stay in use. Where the choices are from lists that were shown, the place in the list is a feature of the
learning: it explains a part of the choices, and is left out of the order.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from segue.ranking.learned_order import Evidence, State, bounds, of_document
from segue.recommenders.gated_regression import Choices, fit_gated_regression, mean_loss

FEWEST = 200
"""With fewer choices, the given weights stay in use."""
LATEST = 0.3
"""The share of the choices, the latest ones, by which is chosen."""
PENALTIES = (1.0, 10.0, 100.0)
SIZES = (0.1, 0.2, 0.35, 0.6, 1.0, 1.7, 3.0)
"""Factors of the given weights that are tried."""
PLACE = len(Evidence)
"""The feature for the place of a track in the list in which it was seen: high places are taken more often."""
_PRIOR = {
    "sound": [4.0, 0.0],
    "nearest_sound": [2.0, 0.0],
    "rules": [4.0, 0.0],
    "rules_now": [8.0, 0.0],
    "strongest_rule": [2.0, 0.0],
    "artist": [1.0, 0.0],
    "artist_now": [1.0, 0.0],
    "best_of_artist": [3.0, 0.0],
    "staying": [2.0, 0.0],
    "loved": [6.0, 0.0],
    "like_loved": [6.0, 0.0],
    "again": [0.5, 0.0],
    "heard_often": [1.0, 0.0],
    "heard_on_loop": [6.0, 0.0],
    "heard_after": [6.0, 0.0],
    "heard_repeating": [6.0, 0.0],
    "lately_repeating": [4.0, 0.0],
    "artist_against": [-2.0, 0.0],
    "sound_against": [-1.0, 0.0],
    "heard": [-6.0, 0.0],
}
PRIOR = of_document(_PRIOR, version="prior").weights
"""About the order by the sum of scores with its default weights; the shipped weights begin from here. The sum
leaves out tracks that were heard recently: their weights let them come again while the listener repeats."""


@dataclass(frozen=True)
class Learned:
    """The outcome of a learning."""

    weights: np.ndarray
    """(evidence, states) float64."""
    choice: str
    """The choice, in words."""
    choices: int
    """The number of choices that it was learned from, or that were too few."""
    gain: float
    """How much likelier the latest choices are by weights from the earlier ones than by the given weights:
    the mean difference of the logarithms; 0 if there were too few choices."""

    @property
    def is_better(self) -> bool:
        """Whether the weights were learned; otherwise they are the given ones."""
        return self.gain > 0


def learn(choices: Choices, *, given: np.ndarray) -> Learned:
    """Learn from choices in the order of time, beginning with the given weights.

    Parameters
    ----------
    choices
        The features are those of :class:`segue.ranking.learned_order.Evidence`, and maybe :data:`PLACE`
        behind them. The weight of the place is learned in any case, so that the others do not stand for it.
    """
    count = len(choices.chosen)
    if count < FEWEST:
        said = f"{count} choices from lists, fewer than {FEWEST}: the weights stay as they are"
        return Learned(given, said, count, 0.0)
    first = round(count * (1 - LATEST))
    earlier, latest = part_of(choices, 0, first), part_of(choices, first, count)
    # Multiplied weights give the same order, and may fit the choices better.
    sizes = [_fit(earlier, size * given, None) for size in SIZES]
    size = SIZES[int(np.argmin([mean_loss(weights, earlier) for weights in sizes]))]
    prior = size * given
    before = mean_loss(_fit(earlier, prior, None), latest)
    losses = [mean_loss(_fit(earlier, prior, penalty), latest) for penalty in PENALTIES]
    best = int(np.argmin(losses))
    gain = float(before - losses[best])
    if gain <= 0:
        said = f"{count} choices from lists teach nothing better: the weights stay as they are"
        return Learned(given, said, count, gain)
    weights = _fit(choices, prior, PENALTIES[best])[: len(Evidence)]
    # As large as the given ones together, so that feedback, which is added, keeps its effect.
    weights *= np.abs(given).sum() / max(np.abs(weights).sum(), 1e-9)
    said = f"learned from {count} choices, penalty {PENALTIES[best]:g}"
    return Learned(weights, said, count, gain)


def _fit(choices: Choices, given: np.ndarray, penalty: float | None) -> np.ndarray:
    """(features, states) float64: the weights, or without a penalty the given ones and that of the place."""
    more = choices.features.shape[1] - len(Evidence)
    prior = np.concatenate([given, np.zeros((more, len(State)))])
    limits: list[tuple[float | None, float | None]] = bounds()
    if penalty is None:
        limits = [(value, value) for value in given.ravel().tolist()]
    limits = [*limits, *[(0.0, None)] * (more * len(State))]
    return fit_gated_regression(choices, penalty=penalty or 1.0, prior=prior, bounds=limits).weights


def part_of(choices: Choices, begin: int, end: int) -> Choices:
    """The choices from `begin` to `end`."""
    rows = slice(choices.bounds[begin], choices.bounds[end])
    return Choices(
        bounds=choices.bounds[begin : end + 1] - choices.bounds[begin],
        features=choices.features[rows],
        states=choices.states[begin:end],
        chosen=choices.chosen[begin:end] - choices.bounds[begin],
        outside=choices.outside[begin:end],
    )


def choices_among(
    several: Sequence[tuple[np.ndarray, np.ndarray, int]], *, rng: np.random.Generator, others: int = 100
) -> Choices:
    """Choices of one candidate each, with some of the others, drawn evenly.

    Parameters
    ----------
    several
        For each choice, the features (n, features) of the candidates, the state, and the index of the one
        that was taken.
    """
    features, sizes, outside = [], [], []
    for values, _, taken in several:
        rest = np.delete(np.arange(len(values)), taken)
        kept = rng.permutation(rest)[:others]
        features.append(values[np.r_[taken, kept]])
        sizes.append(len(kept) + 1)
        outside.append(np.log(max(len(rest), 1) / max(len(kept), 1)))
    edges = np.r_[0, np.cumsum(sizes)].astype(np.int64)
    width = several[0][0].shape[1] if several else len(Evidence)
    empty = np.empty((0, width), dtype=np.float32)
    states = np.array([state for _, state, _ in several], dtype=np.float32).reshape(-1, len(State))
    return Choices(
        bounds=edges,
        features=np.concatenate([empty, *features]).astype(np.float32),
        states=states,
        chosen=edges[:-1],
        outside=np.array(outside, dtype=np.float64),
    )
