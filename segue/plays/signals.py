"""What an event says of the listener's liking of a track: its weight.

A like, a dislike, a play and a completed play have a weight each. A skip or leaving says more the earlier
it comes: its weight runs in a straight line over the share of the track that was heard. The graded reading
of implicit feedback follows Hu, Koren and Volinsky (2008), with the negative side that a skip button adds.
Which types are signals, and which settings weigh them, is said in :mod:`segue.plays.event_types`.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from segue.plays.event_types import EVENT_TYPES, SIGNALS
from segue.settings import SignalSettings

Numbers = NDArray[np.int64] | NDArray[np.float64]


def ramps(signals: SignalSettings) -> dict[str, tuple[float, float]]:
    """By type of signal, its weight at the start and at the end of the track; mostly the same."""
    return {
        one.name: (float(getattr(signals, one.ramp[0])), float(getattr(signals, one.ramp[1])))
        for one in EVENT_TYPES
        if one.ramp
    }


def signal_weight(type: str, *, ms_played: int, duration_ms: int, signals: SignalSettings) -> float | None:
    """Return the weight of an event, or None when its type is not a signal.

    A track whose duration is not known (0) counts as heard to the end only if anything was heard.
    """
    if type not in SIGNALS:
        return None
    return float(signal_weights([type], np.array([ms_played]), np.array([duration_ms]), signals=signals)[0])


def signal_weights(
    types: Sequence[str], ms_played: Numbers, duration_ms: Numbers, *, signals: SignalSettings
) -> NDArray[np.float64]:
    """The weight of each of n signals, (n,) float64; `ms_played` and `duration_ms` are (n,) int64.

    Raises
    ------
    KeyError
        A type is not one of :data:`segue.plays.event_types.SIGNALS`.
    """
    by_type = ramps(signals)
    early, late = np.array([by_type[kind] for kind in types], dtype=np.float64).reshape(-1, 2).T
    share = np.minimum(ms_played / np.maximum(duration_ms, 1), 1.0)
    return np.asarray(early + (late - early) * share, dtype=np.float64)
