"""What an event says of the listener's liking of a track: its weight.

A like, a dislike, a play and a completed play have a weight each. A skip or leaving says more the earlier
it comes: its weight runs in a straight line over the share of the track that was heard. The graded reading
of implicit feedback follows Hu, Koren and Volinsky (2008), with the negative side that a skip button adds.
"""

from __future__ import annotations

from segue.settings import Signals

CONSTANT = ("play", "complete", "like", "dislike")
GRADED = ("skip", "leave")
TYPES = CONSTANT + GRADED
"""The event types that are signals; pause, seek and impression say nothing of liking."""


def signal_weight(type: str, *, ms_played: int, duration_ms: int, signals: Signals) -> float | None:
    """Return the weight of an event, or None when its type is not a signal.

    A track whose duration is not known (0) counts as heard to the end only if anything was heard.
    The same rule as a Spark column is :func:`segue.plays.parsing.signal_weight`; a test holds them equal.
    """
    if type in CONSTANT:
        return float(getattr(signals, type))
    if type in GRADED:
        share = min(ms_played / max(duration_ms, 1), 1.0)
        early, late = getattr(signals, f"{type}_early"), getattr(signals, f"{type}_late")
        return float(early + (late - early) * share)
    return None
