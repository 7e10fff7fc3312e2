"""The query `engagement`: counts listeners' actions over event-time windows, and their sessions.

It is separate, with a slow trigger, so that the recommendations do not wait for it. MongoDB sums the windows;
this process only turns the changed listeners' events into facts.

Delivery: a batch that a crash interrupted is repeated and gives the same documents
(segue.engagement.stored).
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pyarrow as pa
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.streaming.query import StreamingQuery

from segue.catalog.labels import TrackLabels
from segue.catalog.tracks import Tracks
from segue.engagement.definitions import Thresholds
from segue.engagement.facts import facts_of
from segue.engagement.reach import ListeningReach, TrackReach
from segue.engagement.running_totals import NAMES, Outdated, RunningTotals, TotalsByTrack
from segue.engagement.stored import StoredEngagement
from segue.people.forgotten import Forgotten
from segue.ranking import feedback
from segue.ranking.feedback import Records
from segue.settings import Settings
from segue.spark.play_windows import events_by_window
from segue.spark.plays import parse, plays
from segue.storage.mongo import patient
from segue.storage.store import Store, open_store
from segue.streaming_jobs.metrics import Metrics
from segue.streaming_jobs.pace import Pace
from segue.streaming_jobs.query import BatchGate, Collector, kafka_records, resting, start_query

NAME = "engagement"
_WAIT_SECONDS = 1.0
"""How long a micro-batch waits for the sums of the feedback to be loaded."""
_REST = 1.0
"""While it works a backlog off, such as a flood of invalid records, the query rests for half of the time."""
_FIRST_WAIT_SECONDS = 10.0
"""How long a micro-batch waits for the people behind the feedback while none are known."""
_PEOPLE_REST = 20.0
"""Counting people pauses for this many times as long as it takes."""
_TRACKS_NAMED = 5_000
"""With more tracks than this, the people of all tracks are counted."""
_RELOAD_SECONDS = 300.0
"""The shortest interval between two loads, since a recount changes windows all the time."""


def transform(records: DataFrame, *, settings: Settings) -> DataFrame:
    """KafkaRecord -> EventWindow: parse, then window."""
    well_formed = plays(parse(records), stream=settings.stream)
    return events_by_window(well_formed, stream=settings.stream, engagement=settings.engagement)


class Counter:
    """Processes the changed windows of each micro-batch: facts, sessions, statistics, feedback."""

    def __init__(self, spark: SparkSession, settings: Settings, metrics: Metrics) -> None:
        self._spark, self._settings, self._metrics = spark, settings, metrics
        self._store = open_store(settings)
        self._stored = StoredEngagement(self._store, settings)
        self._stored.adopt()
        self._totals = LoadedTotals(self._store, period=settings.engagement.feedback_window)
        self._people = CountedPeople(self._store, period=settings.engagement.feedback_window)
        self._thresholds = Thresholds.of(settings.engagement)
        self._described = TrackLabels(Tracks(self._store))
        self._collect = Collector()
        self._feedback_due = 0.0

    def __call__(self, windows: DataFrame, batch: int) -> None:
        self._spark.sparkContext.setJobDescription(f"{NAME} batch {batch}: parse, window")
        patient(self._settings.stream.mongo_retry_timeout)(self._count, self._collect(windows))

    def _count(self, windows: pa.Table) -> None:
        """EventWindow rows -> documents; starts again if MongoDB becomes unavailable meanwhile."""
        facts = facts_of(windows, described=self._described, thresholds=self._thresholds)
        gone = Forgotten(self._store).among({fact.user_id for fact in facts})
        facts = [fact for fact in facts if fact.user_id not in gone]
        self._stored.write(facts)
        self._stored.count(fact.start for fact in facts)
        self._metrics.facts.inc(len(facts))
        self._feed_back()

    def _feed_back(self) -> None:
        """From time to time, publish the feedback of all listeners for the ranking."""
        if time.monotonic() < self._feedback_due:
            return
        began = time.monotonic()
        ranking = self._settings.ranking
        if (totals := self._totals.current()) is None:
            return
        records = played_tracks(totals)
        evident = records.evident(ranking=ranking)
        people = self._people.of([records.track_ids[row] for row in np.flatnonzero(evident).tolist()])
        if people is not None:
            feedback.publish(self._store, by_people(records, people, evident=evident), ranking=ranking)
            self._metrics.feedback_at.set_to_current_time()
            self._metrics.feedback_seconds.set(time.monotonic() - began)
            self._feedback_due = (
                time.monotonic() + self._settings.engagement.feedback_interval.total_seconds()
            )


class LoadedTotals:
    """The running totals; a thread loads them, so that no micro-batch waits for it for long."""

    def __init__(self, store: Store, *, period: timedelta) -> None:
        self._store, self._period = store, period
        self._loader = ThreadPoolExecutor(1, thread_name_prefix="feedback")
        self._loading: Future[RunningTotals] | None = None
        self._load_after = 0.0

    def current(self) -> TotalsByTrack | None:
        """The totals of now; None while they are loaded."""
        if self._loading is None:
            if time.monotonic() < self._load_after:
                return None
            self._loading = self._loader.submit(self._load)
            self._load_after = time.monotonic() + _RELOAD_SECONDS
        try:
            return self._loading.result(timeout=_WAIT_SECONDS).update()
        except TimeoutError:
            return None
        except Outdated:
            self._loading = None
            return None
        except BaseException:  # an update may have been interrupted between two steps
            self._loading, self._load_after = None, 0.0
            raise

    def _load(self) -> RunningTotals:
        totals = RunningTotals(self._store, period=self._period)
        totals.load()
        return totals


class CountedPeople:
    """The people behind the feedback, counted in a thread: it reads the facts of the whole period."""

    def __init__(self, store: Store, *, period: timedelta) -> None:
        self._facts, self._period = ListeningReach(store), period
        self._counter = ThreadPoolExecutor(1, thread_name_prefix="people")
        self._counting: Future[None] | None = None
        self._known: Mapping[str, TrackReach] | None = None
        self._rests_until = 0.0

    def of(self, track_ids: Sequence[str]) -> Mapping[str, TrackReach] | None:
        """The people of these tracks, as they were counted last; None before they are counted once."""
        if not track_ids:
            return {}
        if self._counting is None and time.monotonic() >= self._rests_until:
            self._counting = self._counter.submit(self._count, list(track_ids))
        if self._counting is not None:
            wait = _FIRST_WAIT_SECONDS if self._known is None else _WAIT_SECONDS
            try:
                self._counting.result(timeout=wait)
            except TimeoutError:
                return self._known
            except BaseException:
                self._counting = None
                raise
            self._counting = None
        return self._known

    def _count(self, track_ids: list[str]) -> None:
        began, now = time.monotonic(), datetime.now(UTC)
        named = track_ids if len(track_ids) <= _TRACKS_NAMED else []
        found = self._facts.reached(since=now - self._period, until=now, tracks=named)
        self._known = {one.track_id: one for one in found}
        end = time.monotonic()
        self._rests_until = end + _PEOPLE_REST * (end - began)


def by_people(records: Records, people: Mapping[str, TrackReach], *, evident: np.ndarray) -> Records:
    """Records of which each person changes those of a track by their weight, however often they played it.

    Tracks without enough evidence only matter for the usual rates. Their counts become those of one play of a
    listener in a window.

    Parameters
    ----------
    people
        The people of the evident tracks; a track that is missing has none.
    evident
        (n,) bool: the tracks with enough evidence.
    """
    share = np.minimum(records.listenings / np.maximum(records.plays, 1), 1.0)
    one_each = {name: getattr(records, name) * share for name in ("plays", "early_skips", "likes")}
    columns = {**one_each, "listenings": np.array(records.listenings, dtype=float)}
    for row in np.flatnonzero(evident).tolist():
        one = people.get(records.track_ids[row])
        weight, skipped, liked = (one.weight, one.skipped, one.liked) if one else (0.0, 0.0, 0.0)
        counts = {"plays": weight, "early_skips": skipped, "likes": liked, "listenings": weight}
        for name, count in counts.items():
            columns[name][row] = count
    return replace(records, **columns)


def played_tracks(totals: TotalsByTrack) -> Records:
    """The statistics that the feedback begins with, of the tracks that any listener has played."""
    played = totals.counts[:, NAMES.index("plays")] > 0
    column = {name: totals.counts[played, place].astype(float) for place, name in enumerate(NAMES)}
    return Records(
        [track_id for track_id, kept in zip(totals.track_ids, played.tolist(), strict=True) if kept],
        plays=column["plays"],
        early_skips=column["early_skips"],
        likes=column["likes"],
        listenings=column["listeners"],
    )


def start(
    spark: SparkSession,
    settings: Settings,
    *,
    metrics: Metrics | None = None,
    gate: BatchGate | None = None,
) -> StreamingQuery:
    """Start the query; `gate` stops it between two micro-batches."""
    opened = gate or BatchGate()
    pace = Pace.aside(spark, settings, every=settings.engagement.trigger_interval)
    counter = Counter(spark, settings, metrics or Metrics())
    return start_query(
        transform(kafka_records(spark, settings, name=NAME, pace=pace), settings=settings),
        resting(counter, opened, times=_REST, within=pace.patience),
        name=NAME,
        checkpoint=f"{settings.spark.checkpoint_location}/{NAME}",
        every=pace.trigger,
        gate=opened,
    )
