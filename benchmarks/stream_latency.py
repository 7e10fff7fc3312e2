"""The time from a play to its recommendation document, beside Spark's floor and alternatives."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from rich.console import Console

from segue.benchmarks.catalogue import bundle_of
from segue.benchmarks.service import Feeder, service, variant, wait
from segue.evaluation.freshness import FreshnessWatch
from segue.operations.stream_progress import StreamProgress
from segue.storage.mongo import connect
from segue.storage.store import Store

FMA = 106_574
"""Tracks of the Free Music Archive's full set."""


@dataclass(frozen=True)
class Run:
    p50_ms: float
    p99_ms: float
    trigger_ms: float


def measure(*, quick: bool, console: Console) -> dict[str, float | bool]:
    """The figures; every run is a separate process, with a warm-up before the measurement."""
    warm, seconds = (25.0, 20.0) if quick else (150.0, 60.0)
    large = FMA if quick else 1_000_000

    def run(kind: str, tracks: int, rate: float, *, rules: bool = False) -> Run:
        bundle = bundle_of(tracks, rules=rules, console=console)
        run = _run(kind, bundle, tracks=tracks, rate=rate, warm=warm, seconds=seconds)
        known = "sound and sessions" if rules else "sound"
        console.print(f"{kind:8} {tracks:>9,} tracks by {known} {rate:>4.0f}/s: {run}")
        return run

    job = run("job", FMA, 20)
    all_sources = run("sum", FMA, 20, rules=True)
    learned = run("learned", FMA, 20, rules=True)
    engaged = run("engaged", FMA, 20)
    floor = run("floor", FMA, 20)
    default = run("default", FMA, 20)
    plain = run("plain:0:1", FMA, 20)
    busy = run("job", FMA, 100)
    small = run("job", 1_000, 20)
    big = run("job", large, 20)
    again = run("job", FMA, 20)
    p50 = float(np.median([job.p50_ms, again.p50_ms]))
    trigger = float(np.median([job.trigger_ms, again.trigger_ms]))
    return {
        "p50_ms": p50,
        "p99_ms": float(np.median([job.p99_ms, again.p99_ms])),
        "p50_spread_ms": abs(job.p50_ms - again.p50_ms),
        "hybrid_p50_ms": all_sources.p50_ms,
        "hybrid_p99_ms": all_sources.p99_ms,
        "hybrid_trigger_ms": all_sources.trigger_ms,
        "learned_p50_ms": learned.p50_ms,
        "learned_p99_ms": learned.p99_ms,
        "learned_p99_ratio": learned.p99_ms / all_sources.p99_ms,
        "engaged_p50_ms": engaged.p50_ms,
        "engaged_p99_ms": engaged.p99_ms,
        "trigger_ms": trigger,
        "floor_trigger_ms": floor.trigger_ms,
        "ratio_to_floor": trigger / floor.trigger_ms,
        "default_p50_ms": default.p50_ms,
        "default_trigger_ms": default.trigger_ms,
        "gain_over_default": default.p50_ms / p50,
        "plain_p50_ms": plain.p50_ms,
        "plain_p99_ms": plain.p99_ms,
        "p50_ms_100": busy.p50_ms,
        "p99_ms_100": busy.p99_ms,
        "p50_ms_1k": small.p50_ms,
        "p50_ms_1m": big.p50_ms,
        "growth_1k_to_1m": big.p50_ms / small.p50_ms,
        "tracks_of_1m": large,
    }


def _run(kind: str, bundle: Path, *, tracks: int, rate: float, warm: float, seconds: float) -> Run:
    with (
        service(bundle) as settings,
        variant(kind, settings) as process,
        Feeder(settings, per_second=rate, tracks=tracks) as feeder,
    ):
        database = connect(settings.mongo)
        wait(warm, process, kind)
        began, first = datetime.now(UTC), len(feeder.sent)
        with FreshnessWatch(Store(database), every=0.02) as watch:
            wait(seconds, process, kind)
            measured = feeder.sent[first:]
            wait(5 if kind == "default" else 2, process, kind)
        latencies, _ = watch.latencies(measured)
        triggers = [
            document["duration_ms"]["triggerExecution"]
            for document in StreamProgress(Store(database)).batches("recommend", since=began)
        ]
    nothing = len(latencies) == 0
    return Run(
        p50_ms=float("nan") if nothing else float(np.percentile(latencies, 50)),
        p99_ms=float("nan") if nothing else float(np.percentile(latencies, 99)),
        trigger_ms=float(np.median(triggers)) if triggers else float("nan"),
    )
