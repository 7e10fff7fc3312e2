"""The sums of each track over a sliding period, kept up to date by the windows that have changed.

Adding up a month of windows takes minutes with many listeners. These sums are read once, from the statistics
by day. After that, a window that has changed is read again and replaces its former counts, and a window that
leaves the period is read and subtracted. The result equals that of adding up all windows.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np

from segue.engagement.counted_windows import DAY, CountedWindows, WindowChanges
from segue.engagement.daily import LongStatistics
from segue.engagement.statistics import ListeningStatistics, TrackTotals
from segue.storage.store import Store

RECENT = 48
"""The number of windows, last read, whose counts are kept to be replaced when the window changes."""
_FIRST = 12
"""The number of newest windows whose counts :meth:`RunningTotals.load` keeps."""
NAMES = TrackTotals._fields[1:]


@dataclass(frozen=True)
class TotalsByTrack:
    """Sums by track, in the order of the ids; tracks without a count are left out."""

    track_ids: Sequence[str]
    counts: np.ndarray
    """(n, 5) int64: the fields of :class:`TrackTotals` after the id."""

    @classmethod
    def of(cls, tracks: Sequence[TrackTotals]) -> TotalsByTrack:
        """The same from a list by track id."""
        counts = np.array([track[1:] for track in tracks], dtype=np.int64).reshape(-1, len(NAMES))
        return cls([track.track_id for track in tracks], counts)


class Outdated(Exception):
    """A window has changed whose former counts are not known: the sums must be read again."""


class RunningTotals:
    """The sums by track over the windows of the last `period`; :meth:`load` reads them."""

    def __init__(self, store: Store, *, period: timedelta) -> None:
        self._windows, self._statistics = CountedWindows(store), ListeningStatistics(store)
        self._long = LongStatistics(store)
        self._period = period
        self._sums = _Sums()
        self._known: dict[datetime, int] = {}
        """The number of changes of each window in the sums."""
        self._recent: dict[datetime, _Counts] = {}

    def load(self, *, now: datetime | None = None) -> None:
        """Read the sums, from the statistics by day where possible."""
        now = now or datetime.now(UTC)
        since = now - self._period
        self._sums, self._recent = _Sums(), {}
        # Read before the statistics: a window that changes meanwhile differs at the next update.
        windows = self._windows.changes(since=since)
        older, newest = windows[:-_FIRST], windows[-_FIRST:]
        self._known = {window.start: window.changes for window in older}
        until = newest[0].start if newest else now + DAY
        summed = self._long.sums("track", since=since, until=until)
        self._sums.add(
            self._sums.counts_of(
                TrackTotals(key, *(counts[name] for name in NAMES)) for key, counts in summed.items()
            )
        )
        for window in newest:
            self._take(window)

    def update(self, *, now: datetime | None = None) -> TotalsByTrack:
        """Take over the windows that have changed, and drop those that have left the period.

        Raises
        ------
        Outdated
            A window has changed that was read long ago, as in a recount: call :meth:`load`.
        """
        since = (now or datetime.now(UTC)) - self._period
        windows = self._windows.changes(since=min([since, *self._known]))
        if not self._known.keys() <= {window.start for window in windows}:
            raise Outdated
        for window in windows:
            known = self._known.get(window.start)
            if window.start < since:
                if known is not None:
                    self._drop(window)
            elif window.changing or window.changes != known:
                self._replace(window)
        for start in list(self._recent)[:-RECENT]:
            del self._recent[start]
        return self._sums.totals()

    def _take(self, window: WindowChanges) -> None:
        counts = self._sums.counts_of(self._statistics.tracks_in(window.start))
        self._sums.add(counts)
        self._recent[window.start] = counts
        self._known[window.start] = window.changes

    def _replace(self, window: WindowChanges) -> None:
        """Read a window, in place of its former counts."""
        former = self._recent.pop(window.start, None)
        if former is not None:
            self._sums.add(former, sign=-1)
        elif window.start in self._known:
            raise Outdated
        self._take(window)

    def _drop(self, window: WindowChanges) -> None:
        """Subtract a window that has left the period."""
        counts = self._recent.pop(window.start, None)
        if counts is None:
            if window.changing or window.changes != self._known[window.start]:
                raise Outdated
            counts = self._sums.counts_of(self._statistics.tracks_in(window.start))
        self._sums.add(counts, sign=-1)
        del self._known[window.start]


@dataclass(frozen=True)
class _Counts:
    rows: np.ndarray
    counts: np.ndarray


class _Sums:
    """A matrix of sums with a row for each track."""

    def __init__(self) -> None:
        self._rows: dict[str, int] = {}
        self._sums = np.zeros((1024, len(NAMES)), dtype=np.int64)
        self._ids: list[str] = []
        self._order = np.empty(0, dtype=np.int64)
        """The rows by track id."""

    def counts_of(self, tracks: Iterable[TrackTotals]) -> _Counts:
        """The counts of some tracks, each once, with their rows."""
        rows, counts = [], []
        for track_id, *values in tracks:
            rows.append(self._rows.setdefault(track_id, len(self._rows)))
            counts.append(values)
        return _Counts(
            np.array(rows, dtype=np.int64), np.array(counts, dtype=np.int64).reshape(-1, len(NAMES))
        )

    def add(self, counts: _Counts, *, sign: int = 1) -> None:
        while len(self._rows) > len(self._sums):
            self._sums = np.concatenate([self._sums, np.zeros_like(self._sums)])
        self._sums[counts.rows] += sign * counts.counts

    def totals(self) -> TotalsByTrack:
        if len(self._order) != len(self._rows):
            self._ids = list(self._rows)
            self._order = np.array(sorted(range(len(self._ids)), key=self._ids.__getitem__), dtype=np.int64)
        rows = self._order[self._sums[self._order].any(axis=1)]
        return TotalsByTrack([self._ids[row] for row in rows.tolist()], self._sums[rows])
