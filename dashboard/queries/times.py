"""Durations and days as text."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from segue.counted import counted
from segue.dashboard.queries.items import Item


def length(songs: Sequence[Item]) -> str:
    """The number of songs and their total duration: "12 songs, 47 min"."""
    count = counted(len(songs), "song")
    minutes = round(sum(song.duration_ms or 0 for song in songs) / 60_000)
    if not minutes:
        return count
    return f"{count}, {minutes} min" if minutes < 60 else f"{count}, {minutes // 60} h {minutes % 60} min"


def day(at: int, *, now: datetime | None = None, offset: timedelta = timedelta()) -> str:
    """The day of a time (epoch ms): "Today", "Yesterday", "Friday, 3 March 2017".

    `offset` is the listener's offset from UTC.
    """
    today = ((now or datetime.now(UTC)) + offset).date()
    then = (datetime.fromtimestamp(at / 1000, UTC) + offset).date()
    if then >= today:
        return "Today"
    if then == today - timedelta(days=1):
        return "Yesterday"
    return f"{then:%A}, {then.day} {then:%B}" + ("" if then.year == today.year else f" {then.year}")
