"""How a taste has moved: a vector for each stretch of time. Pure."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

WEIGHTS = {"completions": 1.0, "likes": 1.5, "early_skips": -0.6, "dislikes": -2.0, "plays": 0.1}
"""What a count says of the liking of a track; near the weights of the signals, without their decay."""


def tastes(rows: pd.DataFrame, vectors: Mapping[str, np.ndarray], *, every: str) -> pd.DataFrame:
    """Rows -> `start`, `minutes`, `vector` ((d,) at unit length) of each stretch with a taste, in order.

    `every` is a pandas period: "W" for weeks, "M" for months, "D" for days.
    """
    found = []
    periods = rows["start"].dt.tz_localize(None).dt.to_period(every)
    for period, part in rows.groupby(periods):
        weights = sum(part[name] * weight for name, weight in WEIGHTS.items())
        known = [
            (weight, vectors[track])
            for weight, track in zip(weights, part["track_id"], strict=True)
            if track in vectors
        ]
        summed = sum((weight * vector for weight, vector in known), np.zeros(1))
        length = float(np.linalg.norm(summed))
        if length > 0:
            minutes = part["listening_ms"].sum() / 60_000
            found.append({"start": period.start_time, "minutes": minutes, "vector": summed / length})
    return pd.DataFrame(found, columns=["start", "minutes", "vector"])
