"""Sketches, which determine a piece before it is composed, and styles."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from segue.demo.harmony import Key
from segue.demo.synthesis import Signal

LONGEST = 20.2
"""The maximum length of the bars in seconds; the last chord then rings for :data:`TAIL` s."""
TAIL = 1.6


@dataclass(frozen=True)
class Progression:
    """A mode of :data:`segue.demo.harmony.SCALES` and the chord of each bar, by degree (0 is the tonic)."""

    mode: str
    degrees: tuple[int, ...]


@dataclass(frozen=True)
class Sketch:
    """The random generator, ``tempo`` (beats a minute), ``tonic`` (0 is C) and chords of a piece."""

    rng: np.random.Generator
    tempo: float
    tonic: int
    progression: Progression

    @property
    def beat(self) -> float:
        """Seconds of one beat."""
        return 60.0 / self.tempo

    @property
    def key(self) -> Key:
        return Key(self.tonic, self.progression.mode)

    def bars(self, meter: float) -> list[int]:
        """The chord of every bar of ``meter`` beats: the progression repeated, and the tonic at the end."""
        count = int(LONGEST / (meter * self.beat))
        degrees = self.progression.degrees
        return [*(degrees[bar % len(degrees)] for bar in range(count - 1)), 0]

    def seconds(self, meter: float) -> float:
        """The length of the piece, including the decay of its last chord."""
        return min(22.0, max(18.4, len(self.bars(meter)) * meter * self.beat + TAIL))


@dataclass(frozen=True)
class Style:
    """A genre: its name, the slowest and fastest tempo, its progressions, and how it composes a sketch.

    ``compose`` returns a stereo array (samples, 2) that is not yet mastered.
    """

    name: str
    tempos: tuple[float, float]
    progressions: tuple[Progression, ...]
    compose: Callable[[Sketch], Signal]
