"""Sessionization: a listener's activity as listening sessions, runs with no long gap. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from typing import ClassVar


@dataclass(frozen=True)
class ActivitySpan:
    """What a listener did from a first to a last action (epoch ms): in one window, or in a session."""

    COUNTS: ClassVar = ("plays", "skips", "listening_ms")
    first_at: int
    last_at: int
    plays: int
    skips: int
    listening_ms: int

    def joined(self, later: ActivitySpan) -> ActivitySpan:
        """This and one that begins later, as one."""
        return ActivitySpan(
            first_at=self.first_at,
            last_at=max(self.last_at, later.last_at),
            plays=self.plays + later.plays,
            skips=self.skips + later.skips,
            listening_ms=self.listening_ms + later.listening_ms,
        )


def sessionize(activity: Iterable[ActivitySpan], *, gap: timedelta) -> list[ActivitySpan]:
    """Join the activity of windows, in any order, where it follows within the gap: the sessions, in order.

    A gap between actions shows between windows only while a window is no longer than the gap; the settings
    see to that.
    """
    longest = gap.total_seconds() * 1000
    sessions: list[ActivitySpan] = []
    for span in sorted(activity, key=lambda part: (part.first_at, part.last_at)):
        if sessions and span.first_at - sessions[-1].last_at <= longest:
            sessions[-1] = sessions[-1].joined(span)
        else:
            sessions.append(span)
    return sessions
