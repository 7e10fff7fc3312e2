"""Compares variants: the rates of each with confidence intervals, and significant differences. Pure.

Plays of the same listener are not independent, so the listener is the sampling unit: the variance of a rate
is that of a ratio over listeners (Cochran, 1977, ch. 6). The effective sample size is the number of
independent trials with the same variance (Kish's design effect). Intervals are Wilson's (1927) for a rate
with that size, and Newcombe's (1998, method 10) for a difference of two rates.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import Literal

import numpy as np
import pandas as pd

LEVEL = 0.95
UNLIKELY = 0.001
"""Below this probability the numbers of listeners do not match the shares: the assignment has a fault."""


@dataclass(frozen=True)
class Metric:
    """A rate: the sum of `hits` over the sum of `of` (columns of a frame with a row per listener)."""

    name: str
    hits: str
    of: str
    more_is_better: bool


METRICS = (
    Metric("click_through", "clicked", "seen", True),
    Metric("completion", "completions", "plays", True),
    Metric("skip_rate", "skips", "plays", False),
    Metric("likes", "liked", "heard", True),
)
COLUMNS = tuple(dict.fromkeys(name for metric in METRICS for name in (metric.of, metric.hits)))
"""`seen`: tracks seen in a list, once per listener and window; `clicked`: those of them that were played in
that window; `plays`, `completions`, `skips` as in :mod:`segue.engagement.definitions`; `heard`: tracks
played,
once per listener and window; `liked`: those of them that were liked in that window."""


@dataclass(frozen=True)
class Rate:
    """A rate and its confidence interval; NaN without trials."""

    value: float
    low: float
    high: float
    of: int
    listeners: int
    """The number of listeners with trials."""


@dataclass(frozen=True)
class Difference:
    """A variant's rate minus the first variant's, with a simultaneous confidence interval."""

    variant: str
    metric: str
    value: float
    low: float
    high: float
    verdict: Literal["too few listeners", "too little to tell", "better", "worse"]


@dataclass(frozen=True)
class Report:
    """The results of an experiment so far."""

    listeners: Mapping[str, int]
    """By variant."""
    rates: Mapping[str, Mapping[str, Rate]]
    """By variant and metric."""
    differences: list[Difference]
    as_assigned: float
    """The p-value of the numbers of listeners under the configured shares; below :data:`UNLIKELY` the results
    are not reliable."""


def compare(counts: pd.DataFrame, *, shares: Sequence[tuple[str, float]], min_listeners: int) -> Report:
    """Compare each variant with the first.

    Parameters
    ----------
    counts
        A row for each listener: `variant` and :data:`COLUMNS`.
    shares
        The variants with their shares; at least one.
    """
    of_variant = {name: counts[counts["variant"] == name] for name, _ in shares}
    comparisons = len(METRICS) * max(len(shares) - 1, 1)
    together = 1 - (1 - LEVEL) / comparisons
    first = shares[0][0]
    differences = []
    for name, _ in shares[1:]:
        for metric in METRICS:
            base, other = (rate(of_variant[variant], metric, level=together) for variant in (first, name))
            low, high = newcombe(other, base)
            enough = min(base.listeners, other.listeners) >= min_listeners
            verdict = _verdict(low, high, metric) if enough else "too few listeners"
            differences.append(Difference(name, metric.name, other.value - base.value, low, high, verdict))
    sizes = {name: len(variant_counts) for name, variant_counts in of_variant.items()}
    return Report(
        listeners=sizes,
        rates={
            name: {metric.name: rate(variant_counts, metric, level=LEVEL) for metric in METRICS}
            for name, variant_counts in of_variant.items()
        },
        differences=differences,
        as_assigned=_as_assigned(list(sizes.values()), [share for _, share in shares]),
    )


def _verdict(low: float, high: float, metric: Metric) -> Literal["too little to tell", "better", "worse"]:
    if not (low > 0 or high < 0):
        return "too little to tell"
    return "better" if (low > 0) == metric.more_is_better else "worse"


def _as_assigned(sizes: Sequence[int], shares: Sequence[float]) -> float:
    if len(sizes) < 2 or not sum(sizes):
        return 1.0
    from scipy.stats import chisquare  # takes a second to import

    expected = np.array(shares) / sum(shares) * sum(sizes)
    return float(chisquare(sizes, expected).pvalue)


def rate(counts: pd.DataFrame, metric: Metric, *, level: float) -> Rate:
    """A rate over all listeners, with an interval that accounts for the clustering of trials by listener."""
    shown = counts[counts[metric.of] > 0]
    hits, trials = (shown[name].to_numpy(dtype=float) for name in (metric.hits, metric.of))
    listeners, total = len(trials), float(trials.sum())
    if not listeners:
        return Rate(float("nan"), float("nan"), float("nan"), 0, 0)
    value = float(hits.sum() / total)
    low, high = wilson(value, effective(hits, trials), level=level)
    return Rate(value, low, high, round(total), listeners)


def effective(hits: np.ndarray, trials: np.ndarray) -> float:
    """The effective sample size of trials that are clustered by listener; `hits` and `trials`: (listeners,).

    At most the number of trials. If all or none are hits, the correlation within listeners is unknown, and
    the size is the number of listeners.
    """
    listeners, total = len(trials), float(trials.sum())
    value = hits.sum() / total
    independent = value * (1 - value) / total
    if independent <= 0 or listeners < 2:
        return float(listeners)
    between = listeners / (listeners - 1) * np.square(hits - value * trials).sum() / total**2
    return float(total / max(between / independent, 1.0))


def wilson(value: float, n: float, *, level: float) -> tuple[float, float]:
    """Wilson's interval of a rate in n trials."""
    z = NormalDist().inv_cdf((1 + level) / 2)
    middle = value + z**2 / (2 * n)
    spread = z * np.sqrt(value * (1 - value) / n + z**2 / (4 * n**2))
    scale = 1 + z**2 / n
    return max(float((middle - spread) / scale), 0.0), min(float((middle + spread) / scale), 1.0)


def newcombe(first: Rate, other: Rate) -> tuple[float, float]:
    """The interval of `first` minus `other`, from the Wilson intervals of both."""
    difference = first.value - other.value
    below = np.hypot(first.value - first.low, other.high - other.value)
    above = np.hypot(first.high - first.value, other.value - other.low)
    return float(difference - below), float(difference + above)
