"""Estimates from logged lists meet the truth of simulated logs, where the plain mean does not."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from segue.engagement.off_policy import (
    Offered,
    Responses,
    doubly_robust,
    effective_size,
    importance,
    inverse_propensity,
    most,
    usable,
    visibility,
)
from tests.properties import examples

PLACES, TRACKS, LISTENERS, LISTS = 6, 24, 300, 1500
VISIBLE = np.array([1.0, 0.9, 0.7, 0.5, 0.4, 0.3])
DRAWN = 2
"""Exploring tracks of a list, drawn evenly from those that the logged order leaves out."""


@dataclass(frozen=True)
class World:
    """Logged lists of one order, another order, and the true results of the other order."""

    responses: Responses
    offered: Offered
    truth: float
    ranks: np.ndarray
    lists: np.ndarray

    @property
    def plain_mean(self) -> float:
        return float(self.responses.rewards.mean())


def world(seed: int, *, error: float = 0.05) -> World:
    """Half of the listeners like tracks that the other order puts high; the logged one puts them anywhere.

    Parameters
    ----------
    error
        How far the predictions are from the true rates.
    """
    rng = np.random.default_rng(seed)
    listeners = rng.integers(0, LISTENERS, LISTS)
    likes = rng.normal(0, 1.5, (LISTS, TRACKS))
    of_listener = rng.normal(0, 0.5, LISTENERS)[listeners][:, np.newaxis]
    rates = 1 / (1 + np.exp(-3 * (likes - 1.5 + of_listener)))
    logged = np.argsort(-(0.3 * likes + rng.normal(0, 1.5, likes.shape)), axis=1)
    other = np.argsort(-(likes + rng.normal(0, 0.5, likes.shape)), axis=1)[:, :PLACES]
    models = np.clip(rates + rng.normal(0, error, rates.shape), 0, 1)
    place_of_other = np.full((LISTS, TRACKS), -1)
    np.put_along_axis(place_of_other, other, np.arange(PLACES)[np.newaxis], axis=1)
    rows = []
    for own in range(LISTS):
        shown = list(logged[own, : PLACES - DRAWN])
        further = logged[own, PLACES - DRAWN :]
        places = np.sort(rng.choice(np.arange(1, PLACES), DRAWN, replace=False))
        for place, track in zip(places, rng.choice(further, DRAWN, replace=False), strict=True):
            shown.insert(place, track)
        for place, track in enumerate(shown):
            if rng.random() < VISIBLE[place]:
                propensity = DRAWN / len(further) if track in further else 1.0
                rows.append((own, track, place, propensity, rng.random() < rates[own, track]))
    lists, tracks, places = (np.array(column) for column in list(zip(*rows, strict=True))[:3])
    propensities, rewards = (np.array(column, dtype=float) for column in list(zip(*rows, strict=True))[3:])
    seen_by = visibility(places + 1, lists, places=PLACES)
    there = place_of_other[lists, tracks]
    visible_there = np.where(there >= 0, seen_by[there], 0.0)
    weights = importance(visible_there, seen_by[places], propensities)
    at = np.tile(seen_by, LISTS)
    flat = (np.repeat(np.arange(LISTS), PLACES), other.ravel())
    return World(
        Responses(listeners[lists], rewards, weights, models[lists, tracks]),
        Offered(np.repeat(listeners, PLACES), at, models[flat]),
        float((np.tile(VISIBLE, LISTS) * rates[flat]).sum() / (VISIBLE.sum() * LISTS)),
        places + 1,
        lists,
    )


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_truth_is_in_the_intervals_and_the_plain_mean_is_not_near(seed: int) -> None:
    found = world(seed)
    for estimate in (
        inverse_propensity(found.responses, listeners=LISTENERS),
        doubly_robust(found.responses, found.offered, listeners=LISTENERS),
    ):
        low, high = estimate.interval(level=0.999)
        assert low < found.truth < high
        assert not low < found.plain_mean < high
        assert estimate.influence.sum() == pytest.approx(0, abs=1e-9)


def test_over_many_logs_both_are_right_and_a_model_makes_the_estimate_steadier() -> None:
    errors: dict[str, list[float]] = {"plain": [], "weighted": [], "both": [], "bad model": []}
    inside = 0
    logs = 12
    for seed in range(10, 10 + logs):
        found, misled = world(seed), world(seed, error=0.5)
        weighted = inverse_propensity(found.responses, listeners=LISTENERS)
        both = doubly_robust(found.responses, found.offered, listeners=LISTENERS)
        bad = doubly_robust(misled.responses, misled.offered, listeners=LISTENERS)
        errors["plain"].append(found.plain_mean - found.truth)
        errors["weighted"].append(weighted.value - found.truth)
        errors["both"].append(both.value - found.truth)
        errors["bad model"].append(bad.value - misled.truth)
        low, high = both.interval(level=0.95)
        inside += low < found.truth < high
        wide_low, wide_high = weighted.interval(level=0.95)
        assert high - low < wide_high - wide_low
    mean = {name: abs(np.mean(values)) for name, values in errors.items()}
    spread = {name: np.std(values) for name, values in errors.items()}
    for name in ("weighted", "both", "bad model"):
        assert mean[name] < 4 * spread[name] / logs**0.5 + 0.005
        assert mean[name] < mean["plain"] / 5
    assert spread["both"] < spread["weighted"]
    assert inside >= 0.8 * logs


def test_visibility_is_counted_from_what_was_seen() -> None:
    found = world(5)
    seen = visibility(found.ranks, found.lists, places=PLACES)
    assert seen == pytest.approx(VISIBLE, abs=0.05)
    assert (np.diff(seen) <= 0).all()
    nobody = np.empty(0, dtype=np.int64)
    assert (visibility(nobody, nobody, places=3) > 0).all()
    odd = visibility(np.array([0, 9, 2]), np.array([0, 0, 1]), places=3)
    assert ((odd > 0) & (odd <= 1)).all()


@examples(60)
@given(
    st.lists(
        st.tuples(
            st.integers(0, 4),
            st.booleans(),
            st.sampled_from([1e-6, 0.0125, 1.0]),
            st.sampled_from([0.0, 0.001, 1.0]),
        ),
        max_size=30,
    )
)
def test_no_log_however_small_or_odd_breaks_an_estimate(seen: list[tuple[int, bool, float, float]]) -> None:
    columns = list(zip(*seen, strict=True)) or [(), (), (), ()]
    listeners = np.array(columns[0], dtype=np.int64)
    rewards, propensities, there = (np.array(column, dtype=np.float64) for column in columns[1:])
    with np.errstate(all="raise"):
        weights = importance(there, np.full(len(seen), 0.001), propensities)
        assert (weights <= most(there / (0.001 * propensities))).all()
        responses = Responses(listeners, rewards, weights, np.full(len(seen), 0.5))
        offered = Offered(listeners, there, np.full(len(seen), 0.5))
        plain = inverse_propensity(responses, listeners=5)
        both = doubly_robust(responses, offered, listeners=5)
        assert 0 <= effective_size(weights) <= len(seen) * (1 + 1e-9)
    for estimate in (plain, both, plain.minus(both)):
        low, high = estimate.interval(level=0.95)
        assert np.isnan(estimate.value) == (not weights.any())
        assert np.isnan(low) or low <= estimate.value <= high
    if weights.any():
        assert -1e-9 <= plain.value <= 1 + 1e-9


@pytest.mark.parametrize(
    ("propensity", "is_one"),
    [(1, True), (1_000_000, True), (0, False), (-1, False), (1_000_001, False), (0.5, False), (True, False)],
)
def test_only_a_probability_in_millionths_is_used(propensity: object, is_one: bool) -> None:
    assert usable(propensity) == is_one
    assert not usable(None) and not usable("1")
