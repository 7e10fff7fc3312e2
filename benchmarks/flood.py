"""A flood of malformed records in the topic of plays, and the recommendations of other listeners meanwhile.

The stream runs as `./run.sh stream run` does, with all queries. The same flood goes first to a topic that no
one reads: it shows the effect of the producer and the broker, which share the machine with the stream.
"""

from __future__ import annotations

import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import psutil
from rich.console import Console

from segue.benchmarks.catalogue import FMA, bundle_of
from segue.benchmarks.flooding import Flooder, flooder
from segue.benchmarks.service import Feeder, check_alive, service, variant, wait
from segue.errors import SegueError
from segue.evaluation.freshness import FreshnessWatch
from segue.settings import Settings
from segue.storage import kafka_topics
from segue.storage.kafka import ensure_topics
from segue.storage.kafka_topics import end_offsets
from segue.storage.mongo import connect
from segue.storage.store import Store

KIND = "stream"
PLAYS_PER_SECOND = 20
RECORDS_PER_SECOND = 20_000
CATCH_UP_SECONDS = 900
"""How long the rejected records may take to be kept."""


@dataclass(frozen=True)
class Plan:
    """The size of a run."""

    records: int
    warm: float
    """Seconds before the first measurement."""
    quiet: float
    """Seconds of the measurement without a flood."""


FULL, QUICK = Plan(1_000_000, warm=90.0, quiet=60.0), Plan(100_000, warm=40.0, quiet=30.0)


def measure(*, quick: bool, console: Console) -> dict[str, float | bool]:
    """The latency of other plays without and with the flood, its effects on memory, and the next start."""
    plan = QUICK if quick else FULL
    with (
        service(bundle_of(FMA, console=console)) as settings,
        scratch_topic(settings) as elsewhere,
        flooder(settings) as producer,
        Feeder(settings, per_second=PLAYS_PER_SECOND, tracks=FMA) as feeder,
    ):
        with stream(settings, feeder) as (process, start_s):
            console.print(f"the stream serves after {start_s:.0f} s")
            producer.begin(elsewhere, count=plan.records // 20, rate=RECORDS_PER_SECOND)
            producer.answer()
            wait(plan.warm, process, KIND)
            quiet = _latencies(settings, feeder, lambda: wait(plan.quiet, process, KIND))
            console.print(f"quiet: {quiet}")
            unread = _latencies(settings, feeder, lambda: _flood(producer, elsewhere, plan, process))
            console.print(f"flood of another topic: {unread}")
            before_mb = _driver_mb(process)
            with Peak(lambda: _driver_mb(process)) as peak:
                beside, kept_s = _flood_plays(settings, feeder, producer, plan, process)
            console.print(f"flood of plays: {beside}; all kept after {kept_s:.0f} s")
            kept = _kept(settings)
        with stream(settings, feeder) as (_, restart_s):
            console.print(f"the stream serves again after {restart_s:.0f} s")
    return {
        "records": plan.records,
        "records_per_s": plan.records / beside.seconds,
        "quiet_p50_ms": quiet.p50,
        "quiet_p99_ms": quiet.p99,
        "unread_p50_ms": unread.p50,
        "unread_p99_ms": unread.p99,
        "flood_p50_ms": beside.p50,
        "flood_p99_ms": beside.p99,
        "p99_ratio": beside.p99 / quiet.p99,
        "p99_ratio_unread": beside.p99 / unread.p99,
        "kept": kept,
        "kept_s": kept_s,
        "driver_mb": before_mb,
        "driver_growth_mb": peak.value - before_mb,
        "start_s": start_s,
        "restart_s": restart_s,
    }


@dataclass(frozen=True)
class Latency:
    """Milliseconds from the plays of a time to their recommendations."""

    p50: float
    p99: float
    plays: int
    seconds: float


def _latencies(settings: Settings, feeder: Feeder, work: Callable[[], object]) -> Latency:
    """The latencies of the plays that are sent while `work` runs."""
    first, began = len(feeder.sent), time.monotonic()
    with FreshnessWatch(Store(connect(settings.mongo)), every=0.02) as watch:
        work()
        measured, seconds = feeder.sent[first:], time.monotonic() - began
        time.sleep(10)
    latencies, missing = watch.latencies(measured)
    if missing > len(measured) / 100:
        raise SegueError(f"{missing} of {len(measured)} plays have no recommendations: see .local/bench")
    return Latency(
        float(np.percentile(latencies, 50)), float(np.percentile(latencies, 99)), len(measured), seconds
    )


def _flood(producer: Flooder, topic: str, plan: Plan, process: subprocess.Popen[bytes]) -> None:
    producer.begin(topic, count=plan.records, rate=RECORDS_PER_SECOND)
    producer.answer()
    check_alive(process, KIND)


def _flood_plays(
    settings: Settings, feeder: Feeder, producer: Flooder, plan: Plan, process: subprocess.Popen[bytes]
) -> tuple[Latency, float]:
    """The latencies of other plays during the flood, and the seconds until all records were kept."""
    began, plays = time.monotonic(), settings.kafka.plays_topic
    latency = _latencies(settings, feeder, lambda: _flood(producer, plays, plan, process))
    while _kept(settings) < plan.records:
        check_alive(process, KIND)
        if time.monotonic() - began > CATCH_UP_SECONDS:
            break
        time.sleep(1)
    return latency, time.monotonic() - began


def _kept(settings: Settings) -> int:
    """The number of records in the topic of rejected records."""
    rejected = settings.kafka.model_copy(update={"plays_topic": settings.kafka.rejected_topic})
    return sum(end_offsets(rejected).values())


def _driver_mb(process: subprocess.Popen[bytes]) -> float:
    """Resident memory of the driver's Python process, in MB."""
    return float(psutil.Process(process.pid).memory_info().rss / 1e6)


class Peak:
    """The largest value of a quantity during a block."""

    def __init__(self, quantity: Callable[[], float]) -> None:
        self._quantity, self.value = quantity, 0.0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> Peak:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._stop.wait(0.5):
            self.value = max(self.value, self._quantity())


@contextmanager
def stream(settings: Settings, feeder: Feeder) -> Iterator[tuple[subprocess.Popen[bytes], float]]:
    """The whole job as a process, and the seconds until the first recommendation for a play sent since."""
    began, first = time.monotonic(), len(feeder.sent)
    with variant(KIND, settings, metrics_port=0) as process:
        with FreshnessWatch(Store(connect(settings.mongo)), every=0.1) as watch:
            while not len(watch.latencies(feeder.sent[first:])[0]):
                check_alive(process, KIND)
                time.sleep(0.2)
        yield process, time.monotonic() - began


@contextmanager
def scratch_topic(settings: Settings) -> Iterator[str]:
    """A topic that nobody reads."""
    name = f"{settings.kafka.plays_topic}.unread"
    kafka = settings.kafka.model_copy(update={"plays_topic": name, "rejected_topic": f"{name}.rejected"})
    ensure_topics(kafka)
    try:
        yield name
    finally:
        kafka_topics.delete(kafka)
