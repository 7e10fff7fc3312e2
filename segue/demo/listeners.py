"""The simulated listeners of the demo, with their tastes and plays."""

from __future__ import annotations

import random
import uuid
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

NAMES = ("ada", "ben", "chloe", "dev", "elif", "femi", "greta", "hugo", "ines", "jun")
FAVOURITES = 3
"""The number of tracks that a listener plays of a style, so that others remain to be recommended."""


@dataclass(frozen=True)
class Song:
    """The facts about a track on which a simulated listener decides."""

    track_id: str
    duration_ms: int
    style: str | None


@dataclass(frozen=True)
class SimulatedListener:
    """A simulated listener, who prefers the `styles` one after the other, each for as many plays."""

    user_id: str
    styles: tuple[str, ...]

    @property
    def style(self) -> str | None:
        """The style that the listener prefers at the end."""
        return self.styles[-1] if self.styles else None


def known_styles(songs: Sequence[Song]) -> list[str]:
    """The styles that can show a taste: at least two, each with more tracks than a listener plays."""
    counts = Counter(song.style for song in songs if song.style)
    styles = sorted(style for style, count in counts.items() if count > FAVOURITES)
    return styles if len(styles) > 1 else []


def make_listeners(styles: Sequence[str], *, run: str) -> list[SimulatedListener]:
    """A listener per style, and one whose taste changes half-way; four without a taste if no style is known.

    `run` is part of their ids: each demo has new listeners, without a history.
    """
    if not styles:
        return [SimulatedListener(f"{name}-{run}", ()) for name in NAMES[:4]]
    settled = [
        SimulatedListener(f"{NAMES[i % len(NAMES)]}-{run}", (style,)) for i, style in enumerate(styles[:9])
    ]
    return [*settled, SimulatedListener(f"{NAMES[-1]}-{run}", (styles[0], styles[len(styles) // 2]))]


def plays_of(
    listener: SimulatedListener, songs: Sequence[Song], *, tracks: int, seed: int
) -> Iterator[Mapping[str, Any]]:
    """The events of one listener in order, without `occurred_at`, which the sender sets as it sends.

    Two of three tracks are of the preferred style and are completed, sometimes with a like; the others are
    skipped after some seconds.
    """
    rng = random.Random(f"{seed} {listener.styles}")
    session = str(uuid.uuid4())
    for number in range(tracks):
        style = listener.styles[number * len(listener.styles) // tracks] if listener.styles else None
        preferred = number % 3 != 2
        song = _choose(rng, songs, style, preferred)
        yield _event(listener, song, session, "play", 0)
        if not preferred:
            yield _event(listener, song, session, "skip", min(5000, song.duration_ms))
            continue
        if rng.random() < 0.25:
            yield _event(listener, song, session, "like", song.duration_ms // 2)
        yield _event(listener, song, session, "complete", song.duration_ms)


def _choose(rng: random.Random, songs: Sequence[Song], style: str | None, preferred: bool) -> Song:
    if style is None:
        return rng.choice(songs[: max(2, len(songs) // 2)])
    own = [song for song in songs if song.style == style]
    return rng.choice(own[:FAVOURITES] if preferred else [song for song in songs if song.style != style])


def _event(
    listener: SimulatedListener, song: Song, session: str, kind: str, ms_played: int
) -> dict[str, Any]:
    return {
        "event_id": str(uuid.uuid4()),
        "user_id": listener.user_id,
        "track_id": song.track_id,
        "type": kind,
        "ms_played": ms_played,
        "position_ms": ms_played,
        "duration_ms": song.duration_ms,
        "session_id": session,
        "source": "home",
    }


def fit(recommended: Sequence[Song], style: str) -> float:
    """The share of recommended tracks that are of a style, in [0, 1]; 0 for an empty list."""
    return sum(song.style == style for song in recommended) / len(recommended) if recommended else 0.0
