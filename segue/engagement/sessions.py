"""A listener's sessions: runs of spells with no long gap between them. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True)
class Spell:
    """What a listener did in one window: from the first to the last action, epoch ms."""

    first_at: int
    last_at: int
    plays: int
    skips: int
    listening_ms: int


@dataclass(frozen=True)
class Session(Spell):
    """One or more spells that belong together; of the same shape."""


def sessions_of(spells: Iterable[Spell], *, gap: timedelta) -> list[Session]:
    """Join spells, in any order, that follow each other within the gap.

    A gap between actions shows between spells only while a window is no longer than the gap; the settings
    see to that.
    """
    longest = gap.total_seconds() * 1000
    found: list[Session] = []
    for spell in sorted(spells, key=lambda one: (one.first_at, one.last_at)):
        if found and spell.first_at - found[-1].last_at <= longest:
            last = found[-1]
            found[-1] = Session(
                first_at=last.first_at,
                last_at=max(last.last_at, spell.last_at),
                plays=last.plays + spell.plays,
                skips=last.skips + spell.skips,
                listening_ms=last.listening_ms + spell.listening_ms,
            )
        else:
            found.append(Session(spell.first_at, spell.last_at, spell.plays, spell.skips, spell.listening_ms))
    return found
