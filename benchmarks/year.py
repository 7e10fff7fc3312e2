"""The cost of a minute of counting after months of listening by 100,000 listeners.

Each window has as many tracks as the assumptions of `sizing` give. Once a minute the feedback takes over the
window that has just changed; at a quarter of an hour a window begins and another leaves the period. The
former way, adding up all windows of the period, runs on the same data and must give the same feedback.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import numpy as np
from rich.console import Console

from segue.benchmarks.bars import track
from segue.benchmarks.catalogue import FMA, track_id
from segue.benchmarks.sizing import Assumed
from segue.engagement.counted_windows import DAY, CountedWindows, day_of
from segue.engagement.daily import DailyRollUp
from segue.engagement.daily_statistics import DailyStatistics
from segue.engagement.definitions import COUNTS
from segue.engagement.running_totals import RunningTotals, TotalsByTrack
from segue.engagement.statistics import ListeningStatistics
from segue.engagement.stored import StoredEngagement
from segue.local.stack import up
from segue.ranking import feedback
from segue.settings import Settings, load_settings
from segue.storage.mongo import drop_database
from segue.storage.store import Store, open_store
from segue.streaming_jobs.engagement import played_tracks

LISTENERS = 100_000
PER_LISTENING = 2
"""Events for each listening: its start and its end."""
MINUTES = 20
TEMPLATES = 8
"""Different windows to choose from: drawing the tracks of each would take longer than writing it."""
Figures = dict[str, float | bool]


def measure(*, quick: bool, console: Console) -> Figures:
    """Seconds of the feedback in a minute, beside the former way, and the growth with the days."""
    base = up(load_settings())
    mongo = base.mongo.model_copy(update={"database": f"bench_{uuid.uuid4().hex[:8]}"})
    settings = base.model_copy(update={"mongo": mongo})
    try:
        return _Year(settings, open_store(settings), days=1 if quick else 30).run()
    finally:
        drop_database(mongo)


class _Year:
    def __init__(self, settings: Settings, store: Store, *, days: int) -> None:
        self._settings, self._store, self._days = settings, store, days
        self._length = settings.engagement.window
        self._templates = [_window(seed, self._length) for seed in range(TEMPLATES)]
        # The days before are over, and only a few windows of this one are written.
        self._now = day_of(datetime.now(UTC)) + timedelta(minutes=5)
        self._stored = StoredEngagement(self._store, settings)

    def run(self) -> Figures:
        first = day_of(self._now) - self._days * DAY
        starts = [first + n * self._length for n in range((self._now - first) // self._length + 1)]
        recent = [start for start in starts if start >= self._now - DAY]
        for start in track(recent, description="A day"):
            self._write(start)
        one_day = self._minutes(self._loaded())
        for start in track(starts[: -len(recent)], description="The days before"):
            self._write(start)
        figures: Figures = {"listeners": LISTENERS, "days": self._days, "windows": len(starts)}
        figures["documents"] = ListeningStatistics(self._store).documents.estimated_document_count()
        figures["former_feedback_s_100k"] = _seconds(self._former)
        summed: list[int] = []
        figures["roll_up_all_s"] = _seconds(lambda: summed.append(self._roll_up()))
        figures["roll_up_day_s"] = figures["roll_up_all_s"] / max(sum(summed), 1)
        figures["day_documents"] = DailyStatistics(self._store).documents.estimated_document_count()
        loaded: list[RunningTotals] = []
        figures["load_s_100k"] = _seconds(lambda: loaded.append(self._loaded()))
        minutes = self._minutes(loaded[0])
        figures["feedback_s_100k"] = float(np.median(minutes))
        figures["feedback_worst_s_100k"] = max(minutes)
        figures["feedback_growth"] = float(np.median(minutes) / np.median(one_day))
        figures["speedup"] = figures["former_feedback_s_100k"] / figures["feedback_s_100k"]
        mine = loaded[0].update(now=self._now)
        figures["same_result"] = self._published(mine) == self._former()
        for name, collection in (("windows", ListeningStatistics.name), ("days", DailyStatistics.name)):
            size = self._store.database.command("collStats", collection)
            figures[f"{name}_mb"] = (size["storageSize"] + size["totalIndexSize"]) / 1e6
        return figures

    def _write(self, start: datetime) -> None:
        """The statistics of a window by track and in all, with its mark."""
        rows = self._templates[int(start.timestamp() // self._length.total_seconds()) % TEMPLATES]
        self._store.database[ListeningStatistics.name].insert_many(
            [
                {
                    "_id": {"dimension": dimension, "start": start, "key": key},
                    "dimension": dimension,
                    "start": start,
                    "key": key,
                    **counts,
                }
                for dimension, key, counts in rows
            ],
            ordered=False,
        )
        CountedWindows(self._store).adopt([start])

    def _minutes(self, totals: RunningTotals) -> list[float]:
        """Seconds of the feedback in each of some minutes."""
        took = []
        for _ in range(MINUTES):
            before, self._now = self._now, self._now + timedelta(minutes=1)
            self._a_minute_passes(before)
            took.append(_seconds(lambda: self._published(totals.update(now=self._now))))
        return took

    def _a_minute_passes(self, before: datetime) -> None:
        seconds = self._length.total_seconds()
        start = datetime.fromtimestamp(self._now.timestamp() // seconds * seconds, UTC)
        if start > before:
            self._write(start)
        windows = CountedWindows(self._store)
        windows.begin([start])
        self._store.database[ListeningStatistics.name].update_many(
            {"dimension": "track", "start": start}, {"$inc": {"plays": 1, "listeners": 1}}
        )
        windows.end([start])

    def _loaded(self) -> RunningTotals:
        totals = RunningTotals(self._store, period=self._settings.engagement.feedback_window)
        totals.load(now=self._now)
        return totals

    def _roll_up(self) -> int:
        """Sum all days that are over; returns their number."""
        return DailyRollUp(self._store, self._settings).run(settled=timedelta(0), seconds=float("inf")).summed

    def _former(self) -> str:
        """The version published after adding up all windows of the period."""
        since = self._now - self._settings.engagement.feedback_window
        tracks = ListeningStatistics(self._store).of_tracks(since=since)
        return self._published(TotalsByTrack.of(tracks))

    def _published(self, totals: TotalsByTrack) -> str:
        feedback.publish(self._store, played_tracks(totals), ranking=self._settings.ranking)
        return feedback.ActiveFeedback(self._store).current().version


def _seconds(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def _window(seed: int, length: timedelta) -> list[tuple[str, str, dict[str, int]]]:
    """(dimension, key, counts) of a window at the daily mean."""
    assumed, rng = Assumed(), np.random.default_rng(seed)
    listening = round(LISTENERS * assumed.listening / assumed.peak_to_mean)
    each = round(length.total_seconds() / assumed.seconds_between_events / PER_LISTENING)
    listeners = rng.integers(LISTENERS, size=listening).repeat(each)
    # The tracks of segue.benchmarks.catalogue.plays.
    tracks = (rng.zipf(1.3, size=len(listeners)) * 7919 + listeners * 31) % FMA
    skipped = rng.random(len(listeners)) < 0.25
    heard, place = np.unique(tracks, return_inverse=True)
    plays = np.bincount(place)
    skips = np.bincount(place, weights=skipped).astype(int)
    rows = []
    for number, played, away in zip(heard.tolist(), plays.tolist(), skips.tolist(), strict=True):
        counts = {"starts": played, "plays": played, "skips": away, "early_skips": away}
        counts |= {"completions": played - away, "listening_ms": 200_000 * played}
        rows.append(("track", track_id(number), {**dict.fromkeys(COUNTS, 0), **counts, "listeners": played}))
    whole = {name: sum(row[2][name] for row in rows) for name in COUNTS}
    return [*rows, ("all", "", {**whole, "listeners": listening})]
