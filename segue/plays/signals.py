"""What an event says of the listener's liking of a track: its weight.

A like, a dislike, a play and a completed play have a weight each. A skip or leaving says more the earlier
it comes: its weight runs in a straight line over the share of the track that was heard. The graded reading
of implicit feedback follows Hu, Koren and Volinsky (2008), with the negative side that a skip button adds.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from segue.settings import Signals

CONSTANT = ("play", "complete", "like", "dislike")
GRADED = ("skip", "leave")
TYPES = CONSTANT + GRADED
"""The event types that are signals; pause, seek and impression say nothing of liking."""


def signal_weight(type: str, *, ms_played: int, duration_ms: int, signals: Signals) -> float | None:
    """Return the weight of an event, or None when its type is not a signal.

    A track whose duration is not known (0) counts as heard to the end only if anything was heard.
    """
    if type not in TYPES:
        return None
    return float(signal_weights([type], np.array([ms_played]), np.array([duration_ms]), signals=signals)[0])


def signal_weights(
    types: Sequence[str], ms_played: np.ndarray, duration_ms: np.ndarray, *, signals: Signals
) -> np.ndarray:
    """The weight of each of n signals, (n,) float64; `ms_played` and `duration_ms` are (n,) int64.

    Raises
    ------
    KeyError
        A type is not one of :data:`TYPES`.
    """
    ends = {kind: (getattr(signals, kind),) * 2 for kind in CONSTANT}
    ends |= {kind: (getattr(signals, f"{kind}_early"), getattr(signals, f"{kind}_late")) for kind in GRADED}
    early, late = np.array([ends[kind] for kind in types], dtype=np.float64).reshape(-1, 2).T
    share = np.minimum(ms_played / np.maximum(duration_ms, 1), 1.0)
    return np.asarray(early + (late - early) * share)
