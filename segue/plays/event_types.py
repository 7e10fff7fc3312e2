"""The event types, in one table. Everything that depends on the type of an event is derived from it.

To add a type, add a row here. Give it a setting in `[signals]` if it is a signal, and show its count on a
page if it has a count. Windows, weights, counting rules, statistics, the labels on the pages and the
browser's lists follow from the table.

The weight of an event is the strength of the preference that it expresses. A like, a dislike, a play and a
completion have one weight each. A skip or a leave says more the earlier it happens: its weight is
interpolated linearly over the share of the track that was played. Graded implicit feedback follows Hu, Koren
and Volinsky (2008); negative weights for skips are an addition.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from segue.phrases import marked
from segue.settings import SignalSettings

Tone = Literal["", "good", "bad"]
Numbers = NDArray[np.int64] | NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class EventType:
    """An event type and its role in tastes, in the statistics and on the pages."""

    name: str
    weight: str | tuple[str, str] | None = None
    """The setting in `[signals]` with the weight of the event; or two, between which the weight is
    interpolated linearly over the share of the track that was played. None: the event is not a signal."""
    withdraws: str | None = None
    """The type of opinion that the event takes back. Its weight is the opposite of that opinion's, so that
    both together express nothing."""
    ends: bool = False
    """Whether the event ends a listening; `ms_played` is then the time that was played."""
    action: bool = False
    """Whether the event is an action of the listener, as opposed to something they saw."""
    counted_as: str | None = None
    """The count that each such event increments. The counts of a listening (its start, its end, its
    length) are defined in :mod:`segue.engagement.definitions`."""
    label: str = ""
    """The label, on the pages, of a track whose last event this was."""
    tone: Tone = ""

    @classmethod
    def named(cls, name: str) -> EventType:
        """The type with a name. The label of an unknown or removed type is its name."""
        return BY_NAME.get(name) or cls(name=name, label=name)

    @property
    def ramp(self) -> tuple[str, str] | None:
        """The settings with the weights at the start and at the end of the track."""
        return (self.weight, self.weight) if isinstance(self.weight, str) else self.weight

    @property
    def sign(self) -> float:
        """-1 for an event that takes an opinion back, else 1."""
        return -1.0 if self.withdraws else 1.0

    @property
    def counted(self) -> bool:
        """Whether the statistics count the event."""
        return self.ends or self.action or self.counted_as is not None


START = "play"
"""The type of the event that begins a listening; the name is older than the other types."""

# The order of the counted types is part of the fingerprint of stored facts: add new ones at the end.
EVENT_TYPES = (
    EventType(name=START, weight="play", action=True, label=marked("playing")),
    EventType(
        name="complete",
        weight="complete",
        ends=True,
        action=True,
        label=marked("heard to the end"),
        tone="good",
    ),
    EventType(
        name="skip",
        weight=("skip_early", "skip_late"),
        ends=True,
        action=True,
        label=marked("skipped"),
        tone="bad",
    ),
    EventType(
        name="leave", weight=("leave_early", "leave_late"), ends=True, action=True, label=marked("stopped")
    ),
    EventType(
        name="like", weight="like", action=True, counted_as="likes", label=marked("liked"), tone="good"
    ),
    EventType(
        name="dislike",
        weight="dislike",
        action=True,
        counted_as="dislikes",
        label=marked("disliked"),
        tone="bad",
    ),
    EventType(name="impression", counted_as="impressions"),
    EventType(name="unlike", weight="like", withdraws="like", label=marked("no longer liked")),
    EventType(name="undislike", weight="dislike", withdraws="dislike", label=marked("no longer disliked")),
    EventType(name="pause"),
    EventType(name="seek"),
)

BY_NAME = {event_type.name: event_type for event_type in EVENT_TYPES}
TYPES = tuple(BY_NAME)
WITHDRAWALS = {
    event_type.name: event_type.withdraws for event_type in EVENT_TYPES if event_type.withdraws is not None
}
"""By type of event that takes an opinion back, the type of that opinion."""
TURNED_DOWN = frozenset({"skip", "dislike"})
"""Types by which a listener turns a track down."""
OPINIONS = (*dict.fromkeys(WITHDRAWALS.values()), *WITHDRAWALS)
"""Types of opinions, and the types that take them back."""
SIGNALS = tuple(event_type.name for event_type in EVENT_TYPES if event_type.weight is not None)
"""Types of signals."""
ENDS = tuple(event_type.name for event_type in EVENT_TYPES if event_type.ends)
"""Types that end a listening."""
ACTIONS = tuple(event_type.name for event_type in EVENT_TYPES if event_type.action)
"""Types of actions by a listener, as opposed to things they see."""
COUNTED = tuple(event_type.name for event_type in EVENT_TYPES if event_type.counted)
"""Types that the statistics count."""


def ramps(signals: SignalSettings) -> dict[str, tuple[float, float]]:
    """By type of signal, the weights at the start and the end of a track; equal for most types."""
    return {
        event_type.name: (
            event_type.sign * float(getattr(signals, event_type.ramp[0])),
            event_type.sign * float(getattr(signals, event_type.ramp[1])),
        )
        for event_type in EVENT_TYPES
        if event_type.ramp
    }


def signal_weight(type: str, *, ms_played: int, duration_ms: int, signals: SignalSettings) -> float | None:
    """Return the weight of an event, or None when its type is not a signal.

    A track of unknown duration (0) counts as played to the end only if any of it was played.
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
