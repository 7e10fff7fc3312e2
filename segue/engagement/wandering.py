"""The change of a taste over time: a vector per period. Pure."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from segue.engagement.definitions import COUNTS
from segue.settings import SignalSettings


def weights(signals: SignalSettings) -> dict[str, float]:
    """The weight of each count: the weights of the signals, without decay."""
    return {name: float(getattr(signals, count.weight)) for name, count in COUNTS.items() if count.weight}


def tastes(
    rows: pd.DataFrame, vectors: Mapping[str, np.ndarray], *, every: str, signals: SignalSettings
) -> pd.DataFrame:
    """Rows -> `start`, `minutes`, `vector` (shape (d,), unit length) of each period with a taste, in order.

    `every` is a pandas period: "W" for weeks, "M" for months, "D" for days.
    """
    stretches = []
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
            stretches.append({"start": period.start_time, "minutes": minutes, "vector": summed / length})
    return pd.DataFrame(stretches, columns=["start", "minutes", "vector"])
