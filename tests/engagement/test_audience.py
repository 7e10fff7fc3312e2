"""Audience figures on frames that fit on a page."""

from __future__ import annotations

import math
from datetime import UTC, date, datetime, timedelta

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from segue.engagement.audience import active, by_key, by_period, funnel, lorenz, return_rate, spread
from segue.engagement.definitions import COUNTS

START = datetime(2026, 3, 2, 10, tzinfo=UTC)


def stats(*rows: tuple[int, str, dict[str, int]]) -> pd.DataFrame:
    """(minutes after START, key, counts)"""
    flat = [
        {
            "start": START + timedelta(minutes=at),
            "key": key,
            "listeners": 1,
            **dict.fromkeys(COUNTS, 0),
            **counts,
        }
        for at, key, counts in rows
    ]
    return pd.DataFrame(flat)


def test_periods_and_keys_are_sums_with_rates() -> None:
    table = stats(
        (0, "a", {"plays": 4, "skips": 1, "listening_ms": 3_600_000}),
        (45, "b", {"plays": 4, "skips": 3}),
        (60, "a", {"plays": 2, "early_skips": 1}),
    )
    hours = by_period(table, every="h")
    assert hours["plays"].to_list() == [8, 2]
    assert hours["skip_rate"].to_list() == [0.5, 0.0]
    assert hours["hours"].to_list() == [1.0, 0.0]
    keys = by_key(table).set_index("key")
    assert keys.loc["a", "plays"] == 6
    assert keys.loc["a", "early_skip_rate"] == pytest.approx(1 / 6)


def test_a_rate_of_nothing_is_no_rate() -> None:
    assert math.isnan(by_key(stats((0, "a", {"likes": 1}))).loc[0, "skip_rate"])


def test_the_funnel_goes_from_seen_to_liked() -> None:
    counts = {"impressions": 100, "starts": 40, "plays": 35, "early_skips": 10, "completions": 20, "likes": 3}
    assert funnel(stats((0, "m", counts)))["count"].to_list() == [100, 40, 25, 20, 3]


def days(**listened: list[int]) -> pd.DataFrame:
    rows = [(date(2026, 3, day), who) for who, all_days in listened.items() for day in all_days]
    return pd.DataFrame(rows, columns=["day", "user_id"])


def test_active_listeners_by_day_and_week() -> None:
    found = active(days(ada=[1, 2, 9], ben=[2])).set_index("day")
    assert found.loc[date(2026, 3, 2)].to_list() == [2, 2, 1]
    assert found.loc[date(2026, 3, 8)].to_list() == [0, 2, 0]
    assert found.loc[date(2026, 3, 9)].to_list() == [1, 1, 0]
    assert active(days()).empty


def test_who_came_back_counts_only_those_who_had_the_time() -> None:
    assert return_rate(days(ada=[1, 5], ben=[1, 20], cleo=[18, 19])) == pytest.approx(1 / 2)
    assert math.isnan(return_rate(days(cleo=[18, 19])))
    assert math.isnan(return_rate(days()))


def test_spread_knows_the_extremes() -> None:
    even = spread(pd.Series([5] * 200), tracks=200)
    assert even.coverage == 1.0
    assert even.gini == pytest.approx(0.0)
    assert even.top_share == pytest.approx(0.01)
    one = spread(pd.Series([500]), tracks=200)
    assert one.gini == pytest.approx(1 - 1 / 200)
    assert (one.heard, one.top_share) == (1, 1.0)
    assert spread(pd.Series([], dtype=float), tracks=10).gini == 0


@given(st.lists(st.integers(1, 100), min_size=1, max_size=30), st.integers(0, 40))
def test_the_gini_is_twice_the_area_above_lorenz(plays: list[int], unheard: int) -> None:
    tracks = len(plays) + unheard
    whole = sorted(plays, reverse=True) + [0] * unheard
    apart = sum(abs(a - b) for a in whole for b in whole) / (2 * tracks**2 * (sum(whole) / tracks))
    assert spread(pd.Series(plays), tracks=tracks).gini == pytest.approx(apart)
    curve = lorenz(pd.Series(plays), tracks=tracks)
    assert curve["plays"].iloc[[0, -1]].to_list() == [0, pytest.approx(1)]
    assert curve["plays"].is_monotonic_increasing
