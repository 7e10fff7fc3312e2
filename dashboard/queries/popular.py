"""Popular and rising tracks of the last hours, from the facts; the most played of some tracks."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from segue.counted import counted
from segue.dashboard.language.words import ngettext
from segue.dashboard.queries.items import Item, noted_items
from segue.engagement.daily import LongStatistics
from segue.engagement.popular import popular, rising
from segue.engagement.reach import ListeningReach
from segue.storage.store import Store

RISING_AGAINST = timedelta(hours=24)
TOP_PERIOD = timedelta(days=365)
_GOOD_FOR = 30.0
_REST = 20.0
"""With many listeners, counting takes seconds: then it pauses for this many times as long."""
_MOST = 12
_LOOKED_AT = 200
"""Tracks of which a visitor gets the first ones: some may have left, or be in a library that is hidden."""


class PopularTracks:
    """Counts people at most twice a minute; created once per process, safe for use by several threads."""

    def __init__(self, store: Store, *, popular_window: timedelta, rising_window: timedelta) -> None:
        self._store = store
        self._popular_window, self._rising_window = popular_window, rising_window
        self._lock = threading.Lock()
        self._good_until = float("-inf")
        self._now: list[tuple[str, int]] = []
        self._rising: list[tuple[str, int]] = []

    def now(self, *, limit: int = 12) -> list[Item]:
        """The tracks that most listeners played without skipping in the last `popular_window`."""
        self._count()
        return self._noted(self._now, limit)

    def rising(self, *, limit: int = 12) -> list[Item]:
        """The tracks played much more in the last `rising_window` than in the day before it."""
        self._count()
        return self._noted(self._rising, limit)

    def _noted(self, listeners: Sequence[tuple[str, int]], limit: int) -> list[Item]:
        noted = [
            (track_id, ngettext("{count} listener", "{count} listeners", count))
            for track_id, count in listeners
        ]
        return noted_items(self._store, noted, source="home")[: min(limit, _MOST)]

    def _count(self) -> None:
        with self._lock:
            if time.monotonic() > self._good_until:
                began, now = time.monotonic(), datetime.now(UTC)
                self._now, self._rising = self._popular(now), self._risen(now)
                end = time.monotonic()
                self._good_until = end + max(_GOOD_FOR, _REST * (end - began))

    def _popular(self, now: datetime) -> list[tuple[str, int]]:
        tracks = ListeningReach(self._store).reached(since=now - self._popular_window, until=now)
        best = popular(tracks, limit=_LOOKED_AT)
        return [(track.track_id, track.listeners) for track in best]

    def _risen(self, now: datetime) -> list[tuple[str, int]]:
        facts, turn = ListeningReach(self._store), now - self._rising_window
        before = facts.reached(since=turn - RISING_AGAINST, until=turn)
        best = rising(facts.reached(since=turn, until=now), before, limit=_LOOKED_AT)
        return [(track.track_id, track.now) for track in best]


def top_songs(store: Store, track_ids: Sequence[str], *, limit: int) -> list[Item]:
    """The most played of some tracks in the last :data:`TOP_PERIOD`, best first, with their plays."""
    now = datetime.now(UTC)
    plays = LongStatistics(store).most_played(track_ids, since=now - TOP_PERIOD, until=now, limit=2 * limit)
    return noted_items(store, [(track_id, _times(count)) for track_id, count in plays], source="search")[
        :limit
    ]


def _times(count: int) -> str:
    return counted(count, "play")
