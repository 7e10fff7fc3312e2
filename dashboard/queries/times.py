"""Durations and days as text."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from segue.dashboard.language.formats import day as named_day
from segue.dashboard.language.formats import weekday
from segue.dashboard.language.words import gettext, ngettext
from segue.dashboard.queries.items import Item


def length(songs: Sequence[Item]) -> str:
    """The number of songs and their total duration: "12 songs, 47 min"."""
    count = ngettext("{count} song", "{count} songs", len(songs))
    minutes = round(sum(song.duration_ms or 0 for song in songs) / 60_000)
    return f"{count}, {duration(minutes)}" if minutes else count


def duration(minutes: int) -> str:
    """Minutes as "47 min" or "1 h 5 min"."""
    if minutes < 60:
        return gettext("{minutes} min", minutes=minutes)
    return gettext("{hours} h {minutes} min", hours=minutes // 60, minutes=minutes % 60)


def day(at: int, *, now: datetime | None = None, offset: timedelta = timedelta()) -> str:
    """The day of a time (epoch ms): "Today", "Yesterday", "Friday, 3 March 2017".

    `offset` is the listener's offset from UTC.
    """
    today = ((now or datetime.now(UTC)) + offset).date()
    then = (datetime.fromtimestamp(at / 1000, UTC) + offset).date()
    if then >= today:
        return gettext("Today")
    if then == today - timedelta(days=1):
        return gettext("Yesterday")
    return f"{weekday(then)}, {named_day(then, skeleton='MMMMd' if then.year == today.year else 'yMMMMd')}"
