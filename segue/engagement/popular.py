"""What is popular now, and what is rising: from the counts of windows. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from segue.engagement.statistics import TrackTotals

FEWEST_LISTENERS = 3
"""Below that a track is neither popular nor rising: one listener's evening is no trend."""


@dataclass(frozen=True)
class Rising:
    """How much more a track is heard now than before."""

    track_id: str
    now: int
    """Listeners now, summed over the windows."""
    expected: float
    """How many there would be as before."""
    score: float


def popular(tracks: Iterable[TrackTotals], *, limit: int) -> list[TrackTotals]:
    """The tracks with the most listeners who did not skip them, best first; ties by track id."""

    def retained(track: TrackTotals) -> float:
        return track.listeners * (1 - track.skips / max(track.plays, 1))

    enough = [track for track in tracks if track.listeners >= FEWEST_LISTENERS and retained(track) > 0]
    return sorted(enough, key=lambda track: (-retained(track), track.track_id))[:limit]


def rising(now: Iterable[TrackTotals], before: Iterable[TrackTotals], *, limit: int) -> list[Rising]:
    """The tracks whose share of all listeners has grown the most, best first; ties by track id.

    The score is the distance of the listeners from those expected by the share before, in standard
    deviations of a Poisson count: (now - expected) / sqrt(expected + 1). Comparing shares makes an evening
    not rise over a night as a whole; the one under the root keeps a first listener from being a sensation.
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
