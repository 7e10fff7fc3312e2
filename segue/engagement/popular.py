"""Popular and rising tracks, from the people whom they reached. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from segue.engagement.reach import TrackReach

FEWEST_LISTENERS = 3
"""The minimum weight of the listeners of a popular or rising track: one listener's evening is not a trend."""


@dataclass(frozen=True)
class Rising:
    """The rise of a track's listeners over the period before."""

    track_id: str
    now: int
    """Listeners now."""
    expected: float
    """The expected weight of listeners at the former share."""
    score: float


def popular(tracks: Iterable[TrackReach], *, limit: int) -> list[TrackReach]:
    """The tracks with the most listeners who did not skip them, best first; ties by track id."""
    enough = [track for track in tracks if track.heard >= FEWEST_LISTENERS and track.kept > 0]
    return sorted(enough, key=lambda track: (-track.kept, track.track_id))[:limit]


def rising(now: Iterable[TrackReach], before: Iterable[TrackReach], *, limit: int) -> list[Rising]:
    """The tracks whose share of all listeners has grown the most, best first; ties by track id.

    The score is the difference between the weight of the listeners and the weight expected at the former
    share, in standard deviations of a Poisson count: (now - expected) / sqrt(expected + 1). Shares cancel the
    daily pattern: not every track rises from night to evening. The added 1 limits the score of a track with
    its first listeners.
    """
    tracks = list(now)
    total_now = sum(track.heard for track in tracks)
    weight_before = {track.track_id: track.heard for track in before}
    total_before = sum(weight_before.values())
    if not total_before:
        return []
    risen = []
    for track in tracks:
        expected = weight_before.get(track.track_id, 0) / total_before * total_now
        score = (track.heard - expected) / math.sqrt(expected + 1)
        if track.heard >= FEWEST_LISTENERS and score > 1:
            risen.append(Rising(track.track_id, track.listeners, expected, score))
    return sorted(risen, key=lambda track: (-track.score, track.track_id))[:limit]
