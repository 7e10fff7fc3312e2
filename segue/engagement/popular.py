"""Popular and rising tracks, from the counts of windows. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from segue.engagement.statistics import TrackTotals

FEWEST_LISTENERS = 3
"""The minimum number of listeners of a popular or rising track: one listener's evening is not a trend."""


@dataclass(frozen=True)
class Rising:
    """The rise of a track's listeners over the period before."""

    track_id: str
    now: int
    """Listeners now, summed over the windows."""
    expected: float
    """The expected number of listeners at the former share."""
    score: float


def popular(tracks: Iterable[TrackTotals], *, limit: int) -> list[TrackTotals]:
    """The tracks with the most listeners who did not skip them, best first; ties by track id."""

    def retained(track: TrackTotals) -> float:
        return track.listeners * (1 - track.skips / max(track.plays, 1))

    enough = [track for track in tracks if track.listeners >= FEWEST_LISTENERS and retained(track) > 0]
    return sorted(enough, key=lambda track: (-retained(track), track.track_id))[:limit]


def rising(now: Iterable[TrackTotals], before: Iterable[TrackTotals], *, limit: int) -> list[Rising]:
    """The tracks whose share of all listeners has grown the most, best first; ties by track id.

    The score is the difference between the listeners and the number expected at the former share, in standard
    deviations of a Poisson count: (now - expected) / sqrt(expected + 1). Shares cancel the daily pattern: not
    every track rises from night to evening. The added 1 limits the score of a track with its first listeners.
    """
    tracks = list(now)
    total_now = sum(track.listeners for track in tracks)
    listeners_before = {track.track_id: track.listeners for track in before}
    total_before = sum(listeners_before.values())
    if not total_before:
        return []
    risen = []
    for track in tracks:
        expected = listeners_before.get(track.track_id, 0) / total_before * total_now
        score = (track.listeners - expected) / math.sqrt(expected + 1)
        if track.listeners >= FEWEST_LISTENERS and score > 1:
            risen.append(Rising(track.track_id, track.listeners, expected, score))
    return sorted(risen, key=lambda track: (-track.score, track.track_id))[:limit]
