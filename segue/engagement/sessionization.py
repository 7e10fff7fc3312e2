"""Sessionization: splits a listener's activity into listening sessions at long gaps. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from typing import ClassVar


@dataclass(frozen=True)
class ActivitySpan:
    """A listener's activity from a first to a last action (epoch ms), in a window or a session."""

    COUNTS: ClassVar = ("plays", "skips", "listening_ms")
    first_at: int
    last_at: int
    plays: int
    skips: int
    listening_ms: int

    def joined(self, later: ActivitySpan) -> ActivitySpan:
        """This span and a later one, joined."""
        return ActivitySpan(
            first_at=self.first_at,
            last_at=max(self.last_at, later.last_at),
            plays=self.plays + later.plays,
            skips=self.skips + later.skips,
            listening_ms=self.listening_ms + later.listening_ms,
        )


def sessionize(activity: Iterable[ActivitySpan], *, gap: timedelta) -> list[ActivitySpan]:
    """Join spans of activity, in any order, that are at most `gap` apart; returns the sessions in order.

    Windows must not be longer than the gap, or a gap inside a window would go undetected; the settings
    ensure this.
    """
    longest = gap.total_seconds() * 1000
    sessions: list[ActivitySpan] = []
    for span in sorted(activity, key=lambda part: (part.first_at, part.last_at)):
        if sessions and span.first_at - sessions[-1].last_at <= longest:
            sessions[-1] = sessions[-1].joined(span)
        else:
            sessions.append(span)
    return sessions
