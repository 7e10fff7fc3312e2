"""How a taste has moved: a vector for each stretch of time, and a map on which to see it. Pure.

The map is the plane of the first two principal components of the catalogue's vectors (Pearson 1901): it keeps
as much of their spread as a plane can, and the same catalogue always gives the same map.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from segue.engagement.definitions import COUNTS
from segue.settings import Signals


def weights(signals: Signals) -> dict[str, float]:
    """By count, what one of it says of the liking of a track: the weights of the signals, without decay."""
    return {name: float(getattr(signals, count.weight)) for name, count in COUNTS.items() if count.weight}


@dataclass(frozen=True)
class Plane:
    """The map."""

    middle: np.ndarray
    """(d,)"""
    axes: np.ndarray
    """(2, d), at unit length."""

    def place(self, vectors: np.ndarray) -> np.ndarray:
        """(n, d) -> (n, 2)."""
        return np.asarray((vectors - self.middle) @ self.axes.T)


def plane_of(vectors: np.ndarray) -> Plane:
    """The plane of (n, d) vectors; each axis points so that its largest entry is positive."""
    middle = vectors.mean(axis=0)
    _, _, axes = np.linalg.svd(vectors - middle, full_matrices=False)
    axes = np.vstack([axes[:2], np.zeros((max(0, 2 - len(axes)), vectors.shape[1]))])
    largest = axes[np.arange(2), np.abs(axes).argmax(axis=1)]
    return Plane(middle, axes * np.where(largest < 0, -1.0, 1.0)[:, None])


def tastes(
    rows: pd.DataFrame, vectors: Mapping[str, np.ndarray], *, every: str, signals: Signals
) -> pd.DataFrame:
    """Rows -> `start`, `minutes`, `vector` ((d,) at unit length) of each stretch with a taste, in order.

    `every` is a pandas period: "W" for weeks, "M" for months, "D" for days.
    """
    found = []
    weight_of = weights(signals)
    periods = rows["start"].dt.tz_localize(None).dt.to_period(every)
    for period, part in rows.groupby(periods):
        summed_weights = sum(part[name] * weight for name, weight in weight_of.items())
        known = [
            (weight, vectors[track])
            for weight, track in zip(summed_weights, part["track_id"], strict=True)
            if track in vectors
        ]
        summed = sum((weight * vector for weight, vector in known), np.zeros(1))
        length = float(np.linalg.norm(summed))
        if length > 0:
            minutes = part["listening_ms"].sum() / 60_000
            found.append({"start": period.start_time, "minutes": minutes, "vector": summed / length})
    return pd.DataFrame(found, columns=["start", "minutes", "vector"])
