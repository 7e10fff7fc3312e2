"""Tests hours of streaming in minutes: expiry of state, growth of memory, and the effect of a flood.

Windows are a minute long and listeners are replaced every minute, so that state grows and expires as it would
in a day. Towards the end a listener sends a hundred thousand plays in a window.
"""

from __future__ import annotations

import statistics
import threading
import time
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

import numpy as np
import psutil
from rich.console import Console

from segue.benchmarks.bars import track
from segue.benchmarks.catalogue import bundle_of, track_id
from segue.benchmarks.chaos import run
from segue.benchmarks.service import Feeder, check_alive, service, variant
from segue.evaluation.freshness import FreshnessWatch
from segue.operations.stream_progress import StreamProgress
from segue.plays.delivery import PlayProducer
from segue.settings import Settings
from segue.storage.mongo import connect
from segue.storage.store import Store, open_store

FMA = 106_574
WINDOW_SECONDS = 60
# State expires a window and a watermark after its last play; micro-batches run on the driver and on workers.
STREAM = {
    "window": "1 minute",
    "watermark": "1 minute",
    "allowed_lateness": "30 seconds",
    "max_driver_listeners": 12,
}
PER_SECOND = 100


@dataclass
class Samples:
    """The quantities sampled every few seconds, each a list."""

    state_rows: list[float] = field(default_factory=list)
    state_mb: list[float] = field(default_factory=list)
    jvm_mb: list[float] = field(default_factory=list)
    python_mb: list[float] = field(default_factory=list)


def measure(
    *,
    quick: bool,
    console: Console,
    chaos: bool = False,
    minutes: float | None = None,
    seed: int | None = None,
) -> dict[str, float | bool]:
    """The ratio of each quantity at the end of the run to the middle: about 1 if it levels off.

    With `chaos`, a service under faults instead (:mod:`segue.benchmarks.chaos`).
    """
    if chaos:
        return run.measure(quick=quick, minutes=minutes, seed=seed, console=console)
    minutes = minutes or (8 if quick else 40)
    flood = 20_000 if quick else 100_000
    bundle = bundle_of(FMA, console=console)
    with (
        service(bundle) as settings,
        variant("job", settings, **STREAM) as process,
        Feeder(settings, per_second=PER_SECOND, tracks=FMA, renewed=WINDOW_SECONDS) as feeder,
    ):
        samples = _sample(settings, process.pid, minutes * 60, lambda: check_alive(process, "job"))
        before = _latencies(settings, feeder, seconds=30)
        sending = threading.Thread(target=_flood, args=(settings, flood))
        sending.start()
        beside = _latencies(settings, feeder, seconds=30)
        sending.join()
        check_alive(process, "job")
    figures: dict[str, float | bool] = {"minutes": minutes, "plays_per_s": PER_SECOND}
    for name, values in vars(samples).items():
        middle, end = _middle_and_end(values)
        figures |= {f"{name}_middle": middle, f"{name}_end": end, f"{name}_growth": end / middle}
    return figures | {
        "flood_plays": flood,
        "p50_ms_before_flood": float(np.percentile(before, 50)),
        "p50_ms_beside_flood": float(np.percentile(beside, 50)),
        "p99_ms_before_flood": float(np.percentile(before, 99)),
        "p99_ms_beside_flood": float(np.percentile(beside, 99)),
    }


def fault(figures: dict[str, float | bool]) -> str:
    """The line for a run that has lost something; empty for a good one."""
    return run.fault_of(figures) if "chaos_missing" in figures else ""


def _sample(settings: Settings, pid: int, seconds: float, alive: Callable[[], None]) -> Samples:
    samples, database = Samples(), connect(settings.mongo)
    for _ in track(range(int(seconds / 5)), description="Streaming"):
        time.sleep(5)
        alive()
        newest = StreamProgress(Store(database)).newest("recommend")
        if newest is None:
            continue
        processes = [psutil.Process(pid), *psutil.Process(pid).children(recursive=True)]
        sizes = [(process.name(), process.memory_info().rss / 1e6) for process in processes]
        samples.state_rows.append(newest["state_rows"])
        samples.state_mb.append(newest["state_bytes"] / 1e6)
        samples.jvm_mb.append(sum(size for name, size in sizes if name == "java"))
        samples.python_mb.append(sum(size for name, size in sizes if name != "java"))
    return samples


def _middle_and_end(values: Sequence[float]) -> tuple[float, float]:
    """Medians of the second and of the last third."""
    third = len(values) // 3
    return statistics.median(values[third : 2 * third]), statistics.median(values[-third:])


def _latencies(settings: Settings, feeder: Feeder, *, seconds: float) -> np.ndarray:
    """Milliseconds from play to document of the ordinary listeners."""
    first = len(feeder.sent)
    with FreshnessWatch(open_store(settings), every=0.02) as watch:
        time.sleep(seconds)
        measured = feeder.sent[first:]
        time.sleep(10)
    return np.asarray(watch.latencies(measured)[0])


def _flood(settings: Settings, plays: int) -> None:
    rng = np.random.default_rng(5)
    with PlayProducer(settings.kafka) as producer:
        for number in rng.integers(FMA, size=plays).tolist():
            producer.send(
                {
                    "event_id": str(uuid.uuid4()),
                    "user_id": "flood",
                    "track_id": track_id(number),
                    "type": "complete",
                    "ms_played": 200_000,
                    "position_ms": 0,
                    "duration_ms": 200_000,
                    "occurred_at": int(datetime.now(UTC).timestamp() * 1000),
                    "session_id": "flood",
                    "source": "home",
                }
            )
