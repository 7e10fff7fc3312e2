"""Figures about all listeners, for operators of the service. Pure, on pandas frames.

Stats is the frame of stored statistics: `start`, `key`, `listeners` and the counts. Active has a row for each
listener and day with plays: `day`, `user_id`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from segue.engagement.definitions import COUNTS
from segue.phrases import marked


def by_period(stats: pd.DataFrame, *, every: str) -> pd.DataFrame:
    """Stats -> the counts summed by period (a pandas frequency such as "h" or "D"), with `skip_rate`."""
    sums = stats.set_index("start")[list(COUNTS)].resample(every).sum()
    sums["hours"] = sums["listening_ms"] / 3_600_000
    sums["skip_rate"] = rate(sums["skips"], sums["plays"])
    return sums.reset_index()


def by_key(stats: pd.DataFrame) -> pd.DataFrame:
    """Stats -> the counts summed by key, with `skip_rate`, `early_skip_rate` and `completion_rate`."""
    sums = stats.groupby("key", as_index=False)[list(COUNTS)].sum()
    sums["hours"] = sums["listening_ms"] / 3_600_000
    for name, counted in (
        ("skip_rate", "skips"),
        ("early_skip_rate", "early_skips"),
        ("completion_rate", "completions"),
    ):
        sums[name] = rate(sums[counted], sums["plays"])
    return sums


def rate(part: pd.Series, whole: pd.Series) -> pd.Series:
    """part / whole; NaN where `whole` is 0."""
    return part / whole.where(whole > 0)


def funnel(stats: pd.DataFrame) -> pd.DataFrame:
    """Stats of recommended tracks -> `step` and `count`, from impressions to likes."""
    sums = stats[list(COUNTS)].sum()
    steps = [
        (marked("Seen"), sums["impressions"]),
        (marked("Started"), sums["starts"]),
        (marked("Kept past the beginning"), sums["plays"] - sums["early_skips"]),
        (marked("Heard to the end"), sums["completions"]),
        (marked("Liked"), sums["likes"]),
    ]
    return pd.DataFrame(steps, columns=["step", "count"]).astype({"count": int})


def active(days: pd.DataFrame) -> pd.DataFrame:
    """Active -> `day`, `daily`, `weekly` (in the 7 days up to it) and `new` listeners."""
    if days.empty:
        return pd.DataFrame(columns=["day", "daily", "weekly", "new"])
    by_day = days.groupby("day")["user_id"].agg(set)
    every = pd.date_range(min(by_day.index), max(by_day.index), freq="D").date
    first = days.groupby("user_id")["day"].min().value_counts()
    rows = []
    for day in every:
        week = [by_day[d] for d in by_day.index if 0 <= (day - d).days < 7]
        rows.append(
            {
                "day": day,
                "daily": len(by_day.get(day, set())),
                "weekly": len(set().union(*week)),
                "new": int(first.get(day, 0)),
            }
        )
    return pd.DataFrame(rows)


def return_rate(days: pd.DataFrame, *, within: int = 7) -> float:
    """The share of listeners who came back within `within` days, of those who began at least as long ago.

    NaN without such listeners.
    """
    if days.empty:
        return float("nan")
    last = max(days["day"])
    first = days.groupby("user_id")["day"].min().rename("first")
    joined = days.join(first, on="user_id")
    ripe = joined[[(last - day).days >= within for day in joined["first"]]]
    if ripe.empty:
        return float("nan")
    later = [0 < (day - began).days <= within for day, began in zip(ripe["day"], ripe["first"], strict=True)]
    return float(ripe[later]["user_id"].nunique() / ripe["user_id"].nunique())


@dataclass(frozen=True)
class Spread:
    """The concentration of plays over the catalogue."""

    heard: int
    tracks: int
    gini: float
    """The Gini coefficient, with tracks without plays: 0 for equal plays, near 1 if one track has all."""
    top_share: float
    """The share of plays that the most played hundredth of the tracks has (at least one track)."""

    @property
    def coverage(self) -> float:
        return self.heard / self.tracks if self.tracks else 0.0


def spread(plays: pd.Series, *, tracks: int) -> Spread:
    """The concentration of plays, given the plays of each played track and the number of all tracks."""
    counts = np.sort(plays[plays > 0].to_numpy(dtype=float))
    heard, tracks = len(counts), max(tracks, len(counts))
    total = counts.sum()
    if not total:
        return Spread(0, tracks, 0.0, 0.0)
    ranks = np.arange(tracks - heard + 1, tracks + 1)
    gini = float(2 * (ranks * counts).sum() / (tracks * total) - (tracks + 1) / tracks)
    few = max(1, tracks // 100)
    return Spread(heard, tracks, max(gini, 0.0), float(counts[::-1][:few].sum() / total))


def lorenz(plays: pd.Series, *, tracks: int, points: int = 100) -> pd.DataFrame:
    """The Lorenz curve: `tracks` (share of the most played tracks) and `plays` (their share of plays)."""
    counts = np.sort(plays.to_numpy(dtype=float))[::-1]
    whole = np.concatenate([counts, np.zeros(max(tracks - len(counts), 0))])
    summed = np.concatenate([[0.0], np.cumsum(whole)])
    share = np.linspace(0, 1, points + 1)
    at = np.interp(share * len(whole), np.arange(len(whole) + 1), summed)
    return pd.DataFrame({"tracks": share, "plays": at / summed[-1] if summed[-1] else at})
