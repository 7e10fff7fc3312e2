"""A flood of malformed records in the topic of plays, and the recommendations of other listeners meanwhile.

The stream runs as `./run.sh stream run` does, with all queries. The same flood goes first to a topic that no
one reads: it shows the effect of the producer and the broker, which share the machine with the stream. The
quiet times are before and after the floods, so that a change of the machine's load counts on both sides.
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
from segue.benchmarks.flooding import Flooder
from segue.benchmarks.service import Feeder, check_alive, service, variant, wait
from segue.errors import SegueError
from segue.evaluation.freshness import FreshnessWatch
from segue.processor_time import processor_time
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
    """Seconds of the measurements without a flood: half before the floods, half after them."""


FULL, QUICK = Plan(1_000_000, warm=90.0, quiet=60.0), Plan(100_000, warm=40.0, quiet=30.0)


def measure(*, quick: bool, console: Console) -> dict[str, float | bool]:
    """The latency of other plays without and with the flood, its effects on memory, and the next start."""
    plan = QUICK if quick else FULL
    with (
        service(bundle_of(FMA, console=console)) as settings,
        scratch_topic(settings) as elsewhere,
        Flooder(settings.kafka) as producer,
        Feeder(settings, per_second=PLAYS_PER_SECOND, tracks=FMA) as feeder,
    ):
        with stream(settings, feeder) as (process, start_s):
            console.print(f"the stream serves after {start_s:.0f} s")
            wait(plan.warm, process, KIND)
            phase = Phases(settings, feeder, process, console)
            before = phase("quiet", lambda: wait(plan.quiet / 2, process, KIND))
            unread = phase("flood of another topic", lambda: _flood(producer, elsewhere, plan, process))
            before_mb, began = _driver_mb(process), time.monotonic()
            plays = settings.kafka.plays_topic
            with Peak(lambda: _driver_mb(process)) as peak:
                beside = phase("flood of plays", lambda: _flood(producer, plays, plan, process))
                backlog = phase("backlog", lambda: _wait_until_kept(settings, plan, process))
            kept, kept_s = _kept(settings), time.monotonic() - began
            quiet = before + phase("quiet again", lambda: wait(plan.quiet / 2, process, KIND))
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
        "backlog_p50_ms": backlog.p50,
        "backlog_p99_ms": backlog.p99,
        "p99_ratio": beside.p99 / quiet.p99,
        "p99_ratio_unread": beside.p99 / unread.p99,
        "quiet_cores": quiet.cores,
        "unread_cores": unread.cores,
        "flood_cores": beside.cores,
        "backlog_cores": backlog.cores,
        "kept": kept,
        "kept_s": kept_s,
        "driver_mb": before_mb,
        "driver_growth_mb": peak.value - before_mb,
        "start_s": start_s,
        "restart_s": restart_s,
    }


@dataclass(frozen=True)
class Phase:
    """The plays of a time, and the work of the stream meanwhile."""

    latencies: np.ndarray
    """Milliseconds from each play to its recommendations, float, shape (plays,)."""
    seconds: float
    cpu_s: float
    """Processor seconds of the stream's processes."""

    def __add__(self, other: Phase) -> Phase:
        return Phase(
            np.concatenate([self.latencies, other.latencies]),
            self.seconds + other.seconds,
            self.cpu_s + other.cpu_s,
        )

    def __str__(self) -> str:
        return (
            f"{len(self.latencies)} plays in {self.seconds:.0f} s, {self.p50:.0f} ms, "
            f"p99 {self.p99:.0f} ms, {self.cores:.2f} cores"
        )

    @property
    def p50(self) -> float:
        return float(np.percentile(self.latencies, 50))

    @property
    def p99(self) -> float:
        return float(np.percentile(self.latencies, 99))

    @property
    def cores(self) -> float:
        """The processor seconds of the stream in a second."""
        return self.cpu_s / self.seconds


@dataclass(frozen=True)
class Phases:
    """Measures one phase after another."""

    settings: Settings
    feeder: Feeder
    process: subprocess.Popen[bytes]
    console: Console

    def __call__(self, name: str, work: Callable[[], object]) -> Phase:
        """The latencies of the plays that are sent while `work` runs."""
        first, began = len(self.feeder.sent), time.monotonic()
        cpu = processor_time(self.process.pid)
        with FreshnessWatch(Store(connect(self.settings.mongo)), every=0.02) as watch:
            work()
            measured, seconds = self.feeder.sent[first:], time.monotonic() - began
            cpu = processor_time(self.process.pid) - cpu
            time.sleep(10)
        latencies, missing = watch.latencies(measured)
        if missing > len(measured) / 100:
            raise SegueError(f"{missing} of {len(measured)} plays have no recommendations: see .local/bench")
        phase = Phase(np.asarray(latencies), seconds, cpu)
        self.console.print(f"{name}: {phase}")
        return phase


def _flood(producer: Flooder, topic: str, plan: Plan, process: subprocess.Popen[bytes]) -> None:
    producer.flood(topic, count=plan.records, rate=RECORDS_PER_SECOND)
    check_alive(process, KIND)


def _wait_until_kept(settings: Settings, plan: Plan, process: subprocess.Popen[bytes]) -> None:
    """Wait until all records of the flood are in the topic of rejected records."""
    end = time.monotonic() + CATCH_UP_SECONDS
    while True:
        wait(1, process, KIND)
        if _kept(settings) >= plan.records or time.monotonic() > end:
            return


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
