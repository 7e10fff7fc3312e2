"""Rates and differences of variants, against simulation, textbook values and by property."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from segue.engagement.experiments import (
    COLUMNS,
    METRICS,
    Rate,
    Report,
    compare,
    effective,
    newcombe,
    rate,
    wilson,
)

CLICKS = METRICS[0]
SHARES = (("audio", 50.0), ("hybrid", 50.0))


def frame(variant: str, clicked: np.ndarray, seen: np.ndarray) -> pd.DataFrame:
    empty = {name: np.zeros(len(seen)) for name in COLUMNS}
    return pd.DataFrame(empty | {"variant": variant, "clicked": clicked, "seen": seen})


def test_wilson_is_that_of_the_textbook() -> None:
    """Newcombe (1998), table I: 81 of 263, and 0 of 20."""
    assert wilson(81 / 263, 263, level=0.95) == pytest.approx((0.2553, 0.3662), abs=5e-5)
    assert wilson(0, 20, level=0.95) == pytest.approx((0.0, 0.1611), abs=5e-5)


def test_newcombe_is_that_of_the_textbook() -> None:
    """Newcombe (1998), table II, (a): 56/70 less 48/80 by method 10."""
    one, other = (
        Rate(hits / n, *wilson(hits / n, n, level=0.95), of=n, listeners=n)
        for hits, n in ((56, 70), (48, 80))
    )
    assert newcombe(one, other) == pytest.approx((0.0524, 0.3339), abs=5e-5)


def test_listeners_who_are_of_one_kind_each_count_as_listeners() -> None:
    """Ten listeners with 100 trials each, all or none of them hits, are worth about ten trials."""
    hits = np.array([100.0, 0.0] * 5)
    assert effective(hits, np.full(10, 100.0)) == pytest.approx(9)


def test_the_interval_covers_the_truth_where_listeners_differ_and_plain_wilson_does_not() -> None:
    rng = np.random.default_rng(5)
    ours = plain = 0
    for _ in range(300):
        seen = rng.integers(5, 60, size=60).astype(float)
        clicked = rng.binomial(seen.astype(int), rng.beta(0.6, 1.4, size=60)).astype(float)
        found = rate(frame("audio", clicked, seen), CLICKS, level=0.95)
        low, high = wilson(found.value, seen.sum(), level=0.95)
        ours += found.low <= 0.3 <= found.high
        plain += low <= 0.3 <= high
    assert ours / 300 >= 0.9
    assert plain / 300 < 0.6


@given(
    st.lists(st.tuples(st.integers(0, 30), st.integers(1, 30)), min_size=1, max_size=40),
    st.sampled_from([0.9, 0.99]),
)
def test_an_interval_holds_its_rate_and_stays_a_rate(pairs: list[tuple[int, int]], level: float) -> None:
    seen = np.array([float(n) for _, n in pairs])
    clicked = np.minimum([float(hits) for hits, _ in pairs], seen)
    found = rate(frame("audio", clicked, seen), CLICKS, level=level)
    assert 0 <= found.low <= found.value + 1e-12
    assert found.value <= found.high + 1e-12 <= 1 + 2e-12
    assert 0 < effective(clicked, seen) <= seen.sum() + 1e-9


def simulated(*, listeners: int, audio: float, all_sources: float, seed: int = 1) -> Report:
    rng = np.random.default_rng(seed)
    parts = []
    for name, share in (("audio", audio), ("hybrid", all_sources)):
        seen = rng.integers(10, 40, size=listeners)
        own = rng.beta(5 * share, 5 * (1 - share), size=listeners)
        parts.append(frame(name, rng.binomial(seen, own).astype(float), seen.astype(float)))
    return compare(pd.concat(parts), shares=SHARES, min_listeners=30)


def verdict(found: Report, metric: str = "click_through") -> str:
    [one] = [one for one in found.differences if one.metric == metric]
    return one.verdict


def test_a_difference_that_is_there_is_seen_and_few_listeners_are_said() -> None:
    assert verdict(simulated(listeners=400, audio=0.2, all_sources=0.35)) == "better"
    assert verdict(simulated(listeners=400, audio=0.35, all_sources=0.2)) == "worse"
    assert verdict(simulated(listeners=29, audio=0.2, all_sources=0.9)) == "too few listeners"
    assert verdict(simulated(listeners=400, audio=0.2, all_sources=0.35), "likes") == "too few listeners"


def test_without_a_difference_none_is_claimed_but_rarely() -> None:
    found = [verdict(simulated(listeners=60, audio=0.3, all_sources=0.3, seed=n)) for n in range(100)]
    assert found.count("too little to tell") >= 95


def test_less_skipping_is_better() -> None:
    rng = np.random.default_rng(2)
    parts = []
    for name, share in (("audio", 0.5), ("hybrid", 0.2)):
        found = frame(name, np.zeros(200), np.zeros(200))
        parts.append(found.assign(plays=20, skips=rng.binomial(20, share, size=200)))
    report = compare(pd.concat(parts), shares=SHARES, min_listeners=30)
    assert verdict(report, "skip_rate") == "better"


def test_numbers_of_listeners_that_do_not_fit_the_shares_are_noticed() -> None:
    def p(audio: int, all_sources: int) -> float:
        found = pd.concat(
            [frame(n, np.ones(c), np.ones(c)) for n, c in (("audio", audio), ("hybrid", all_sources))]
        )
        return compare(found, shares=SHARES, min_listeners=30).as_assigned

    assert p(500, 520) > 0.05
    assert p(500, 650) < 0.001


def test_with_nobody_there_it_says_nothing() -> None:
    found = compare(frame("audio", np.zeros(0), np.zeros(0)), shares=SHARES, min_listeners=30)
    assert dict(found.listeners) == {"audio": 0, "hybrid": 0}
    assert {one.verdict for one in found.differences} == {"too few listeners"}
