"""The mood dial: the mood that a listener wants, the distance of a track from it, and the stored dials.

Delivery: one document for each listener; a new dial replaces the former one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TypedDict

import numpy as np
from numpy.typing import NDArray

from segue.moods.measures import DIMENSIONS, Percentiles
from segue.phrases import marked
from segue.storage.store import Collection, Job, Personal, Policy, Right

BANDS = {-2: (0.0, 0.2), -1: (0.15, 0.45), 1: (0.55, 0.85), 2: (0.8, 1.0)}
"""Notch -> its band of percentiles; notch 0 has none."""
WORDS = {
    "energy": (marked("calm"), marked("energetic")),
    "tempo": (marked("slow"), marked("fast")),
    "brightness": (marked("dark"), marked("bright")),
    "tone": (marked("minor"), marked("major")),
}
"""The words for the two ends of each dimension."""
UNKNOWN = 0.5
"""The distance of a track of unknown mood from any mood; half of the corpus is farther."""


@dataclass(frozen=True)
class Dial:
    """Notches from -2 to 2 by dimension; a missing dimension, or one at 0, is open."""

    notches: Mapping[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name, notch in self.notches.items():
            if name not in DIMENSIONS or notch not in (*BANDS, 0):
                raise ValueError(f"a mood dial has no {name} at {notch}")

    @property
    def wanted(self) -> dict[str, int]:
        """The dimensions that are not open."""
        return {name: self.notches[name] for name in DIMENSIONS if self.notches.get(name, 0)}

    def __bool__(self) -> bool:
        return bool(self.wanted)

    def __str__(self) -> str:
        """In words: "rather calm, dark"; empty if all dimensions are open."""
        return ", ".join(notch_word(name, notch) for name, notch in self.wanted.items())

    def distances(self, moods: Percentiles) -> NDArray[np.float64]:
        """The distance of each track from the wanted mood, (n,) from 0 to 1; zeros if all dimensions are
        open.

        It is the mean distance from the bands of the wanted dimensions.

        Parameters
        ----------
        moods
            (n, 4) percentiles, NaN where unknown.
        """
        total = np.zeros(len(moods))
        for name, notch in self.wanted.items():
            low, high = BANDS[notch]
            value = moods[:, DIMENSIONS.index(name)].astype(np.float64)
            outside = np.maximum(np.maximum(low - value, value - high), 0.0)
            total += np.where(np.isnan(value), UNKNOWN, outside)
        return total / max(1, len(self.wanted))


def notch_word(name: str, notch: int) -> str:
    """A notch in words: "calm", "rather fast"; "any" for an open one."""
    if not notch:
        return "any"
    word = WORDS[name][notch > 0]
    return word if abs(notch) == 2 else f"rather {word}"


def described(mood: Sequence[float | None]) -> list[str]:
    """A track's mood in words, for the outer fifths of each dimension only: ["calm", "dark"]."""
    words = []
    for name, value in zip(DIMENSIONS, mood, strict=True):
        if value is not None and (value <= BANDS[-2][1] or value >= BANDS[2][0]):
            words.append(WORDS[name][value > UNKNOWN])
    return words


def steer(candidates: Sequence[int], *, dial: Dial, moods: Percentiles, strength: float) -> list[int]:
    """Order candidates by preference and mood together.

    A candidate's value is ``(1 - strength) * preference - strength * distance``. The preference falls
    linearly from 1 for the first candidate to 0 after the last, so that the scale of the scores does not
    matter.

    Parameters
    ----------
    candidates
        Rows, best first, each once.
    moods
        (n, 4) percentiles of all rows.
    strength
        0 keeps the order, 1 orders by the mood alone; equal candidates keep their order.
    """
    if not dial or not len(candidates):
        return list(candidates)
    liking = 1.0 - np.arange(len(candidates)) / len(candidates)
    worth = (1.0 - strength) * liking - strength * dial.distances(moods[list(candidates)])
    return [candidates[i] for i in np.argsort(-worth, kind="stable")]


class StoredDial(TypedDict):
    _id: str
    """The listener's id."""
    notches: dict[str, int]
    """By dimension, -2 to 2."""
    at: datetime
    """When the dial was set."""


class MoodDials(Collection[StoredDial]):
    """The listeners' positions of the mood dial."""

    name = "mood_dials"
    policy = Policy(personal=Personal(), access={Job.DASHBOARD: Right.WRITE, Job.OPERATOR: Right.WRITE})

    def read(self, user_id: str) -> Dial:
        """A listener's dial; open if none is stored."""
        document = self.documents.find_one({"_id": user_id}, {"notches": 1})
        stored = document["notches"] if document else {}
        return Dial(
            {name: notch for name, notch in stored.items() if name in DIMENSIONS and notch in (*BANDS, 0)}
        )

    def keep(self, user_id: str, dial: Dial) -> None:
        """Write a listener's dial, which replaces the former one."""
        fields = {"notches": dial.wanted, "at": datetime.now(UTC)}
        self.documents.update_one({"_id": user_id}, {"$set": fields}, upsert=True)
