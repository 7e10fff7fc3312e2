"""The costs of an event, a listener's update and a query, and their growth: figures for sizing a service.

Costs are processor time, so that other work on the machine has little influence. They are measured
separately: a query on indexes of several sizes; an update with histories of three lengths; an event in the
whole streaming job, once with few listeners and once with many. Only the time of a nearly empty micro-batch
is wall-clock time, of batches that no other work delayed.
"""

from __future__ import annotations

import json
import re
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from kafka import KafkaAdminClient
from pymongo.database import Database
from rich.console import Console

from segue.benchmarks.catalogue import FMA, bundle_of, plays, track_id, vectors
from segue.benchmarks.queueing import Costs, curve, draw
from segue.benchmarks.service import Feeder, check_alive, service, variant
from segue.benchmarks.service_usage import used_meanwhile
from segue.benchmarks.sizing import live
from segue.engagement.listening import Listening
from segue.errors import SegueError
from segue.index.bundle import Bundle, load_bundle
from segue.operations.stream_progress import MicroBatch, StreamProgress
from segue.plays.delivery import PlayProducer
from segue.ranking.recommendations import Recommendations
from segue.replanning.service import Replanning
from segue.settings import Settings, load_settings
from segue.storage.kafka_client import client_options
from segue.storage.mongo import Document, connect
from segue.storage.store import Store
from segue.taste.tastes import Tastes

QUERIES = ("recommend", "rejected plays", "engagement")
WARM = 0.5
"""The share of the plays that warm up the JVM and do not count."""
SIGNALS = (10, 100, 500)
"""The numbers of signals in a listener's history; the last is the maximum."""
BATCH = 500
"""Listeners per call, as in a task of a busy service."""
TRICKLE_SECONDS = 40
"""Seconds in which single plays are sent, to measure nearly empty micro-batches."""
UNDISTURBED = 10
"""The percentile of these micro-batches to use: slower ones waited for other work on the machine."""
QUIET = 0.1
"""The share of the machine that other work may use before wall-clock times are unreliable."""
LOADS = (10, 25, 45, 60, 75, 90, 95, 120)
"""Loads of the simulated queue in percent of its capacity. 45 is the expected load, 90 twice that."""

Figures = dict[str, float | bool]


def measure(*, quick: bool, console: Console, plot: Path | None = None) -> Figures:
    """Costs by their parameters, and their growth; `plot` gets a drawing of the queue."""
    cores = _cores(load_settings())
    sizes = {"10k": 10_000, "fma": FMA} | ({} if quick else {"1m": 1_000_000})
    bundles = {name: bundle_of(size, console=console) for name, size in sizes.items()}
    figures: Figures = {}
    for name, path in bundles.items():
        figures |= {f"{key}_{name}": value for key, value in _query(path).items()}
    rounds = 4 if quick else 20
    with service(bundles["fma"]) as settings:
        bundle = load_bundle(bundles["fma"])
        for signals in SIGNALS:
            cost = _update(settings, bundle, signals=signals, rounds=rounds)
            figures |= {f"{key}_{signals}": value for key, value in cost.items()}
        figures |= _orders(settings, signals=SIGNALS[-1], rounds=rounds, console=console)
    events = 40_000 if quick else 200_000
    for name, listeners in (("few", events // 100), ("many", events // 10)):
        with console.status(f"The job with {listeners:,} listeners"):
            stream_figures = _stream(bundles["fma"], events=events, listeners=listeners)
        figures |= {f"{key}_{name}": value for key, value in stream_figures.items()}
    event_ms = live(figures, "job_cpu_ms_per_event", "update_cpu_ms") / cores
    quiet = min(("few", "many"), key=lambda name: figures[f"batch_other_work_{name}"])
    if figures[f"batch_other_work_{quiet}"] > QUIET:
        console.print(
            "[yellow]The machine was busy with other work: batch_ms and the queue may be too slow.[/]"
        )
    costs = Costs(batch_ms=float(figures[f"batch_ms_{quiet}"]), event_ms=event_ms)
    if plot is not None:
        draw(costs, plot)
    return figures | {"cores": float(cores), "batch_ms": costs.batch_ms} | _queue(costs)


def _cores(settings: Settings) -> int:
    """The cores that the job may use."""
    match = re.match(r"local\[(\d+)", settings.spark.master)
    if match is None:
        raise SegueError(f"capacity needs a master with a number of cores, not {settings.spark.master}")
    return int(match[1])


def _queue(costs: Costs) -> Figures:
    """The waiting times of listeners at several loads of the stream."""
    figures: Figures = {"queue_most_per_s": costs.most_per_second}
    for percent, waiting in curve(costs, LOADS).items():
        figures |= {
            f"queue_p50_ms_{percent}": waiting.p50_ms,
            f"queue_p99_ms_{percent}": waiting.p99_ms,
            f"queue_backlog_{percent}": float(waiting.backlog),
        }
    return figures


def _query(path: Path) -> Figures:
    """The cost of a query for as many neighbours as in the stream, and the disk space of a track."""
    bundle = load_bundle(path)
    wanted = vectors(2000, seed=12)
    bundle.neighbours.query(wanted, 200)  # the pages are read once
    began = time.process_time()
    bundle.neighbours.query(wanted, 200)
    used = time.process_time() - began
    size = sum(file.size for file in bundle.manifest.files.values())
    return {
        "query_cpu_ms": used / len(wanted) * 1000,
        "index_bytes_per_track": size / bundle.manifest.count,
    }


def _update(settings: Settings, bundle: Bundle, *, signals: int, rounds: int) -> Figures:
    """The cost of a listener's update: history, taste, query, ranking and the writes of both documents."""
    database = connect(settings.mongo)
    tables = [_windows(signals, seed=number) for number in range(rounds + 1)]
    service = Replanning(Store(database), settings)
    service.replan(tables[0], bundle=bundle)
    with used_meanwhile(database) as cost:
        for table in tables[1:]:
            service.replan(table, bundle=bundle)
    updates = rounds * BATCH
    if cost.updates != updates:
        raise SegueError(
            f"{cost.updates} updates were counted but {updates} were made: another process is writing"
        )
    return {
        "update_cpu_ms": cost.job_s / updates * 1000,
        "update_mongod_cpu_ms": cost.mongod_s / updates * 1000,
        "update_network_bytes": cost.mongo_bytes / updates,
        "listener_document_bytes": sum(
            _size(database, name, prefix=f"s{signals}-") for name in (Tastes.name, Recommendations.name)
        )
        / BATCH,
    }


def _orders(settings: Settings, *, signals: int, rounds: int, console: Console) -> Figures:
    """The cost of an update with all sources, by the sum of scores and in a learned order."""
    bundle = load_bundle(bundle_of(FMA, rules=True, console=console))
    figures: Figures = {}
    for model in ("sum", "learned"):
        ranking = settings.ranking.model_copy(update={"model": model})
        own = settings.model_copy(update={"ranking": ranking})
        cost = _update(own, bundle, signals=signals, rounds=rounds)["update_cpu_ms"]
        figures[f"update_cpu_ms_{model}_{signals}"] = cost
    ratio = figures[f"update_cpu_ms_learned_{signals}"] / figures[f"update_cpu_ms_sum_{signals}"]
    return figures | {f"update_cpu_ratio_{signals}": ratio}


def _size(database: Database[Document], collection: str, *, prefix: str = "") -> float:
    """Bytes of the documents whose id begins with `prefix`, as BSON."""
    [result] = database[collection].aggregate(
        [
            {"$match": {"_id": {"$regex": f"^{prefix}"}}},
            {"$group": {"_id": None, "size": {"$sum": {"$bsonSize": "$$ROOT"}}}},
        ]
    )
    return float(result["size"])


def _windows(signals: int, *, seed: int) -> pa.Table:
    """SignalWindow rows of BATCH listeners in the same window, with different plays at each call."""
    rng = np.random.default_rng(seed)
    now = time.time_ns() // 1_000_000
    start = now // 1_800_000 * 1_800_000
    rows = []
    for listener in range(BATCH):
        tracks = (rng.zipf(1.3, size=signals) * 7919 + listener * 31) % FMA
        rows.append(
            [
                {
                    "occurred_at": now + n,
                    "event_id": f"{seed}-{listener}-{n}",
                    "track_id": track_id(int(number)),
                    "type": "complete",
                    "ms_played": 200_000,
                    "duration_ms": 200_000,
                }
                for n, number in enumerate(tracks)
            ]
        )
    return pa.table(
        {
            "user_id": [f"s{signals}-{listener}" for listener in range(BATCH)],
            "window_start": pa.array([start] * BATCH, pa.int64()),
            "signals": rows,
        }
    )


def _stream(bundle: Path, *, events: int, listeners: int) -> Figures:
    """The cost of the whole streaming job with a backlog, then with nearly no plays."""
    feed = plays(listeners=listeners, tracks=FMA)
    warm = int(WARM * events)
    with service(bundle) as settings, variant("all", settings) as job:
        database = connect(settings.mongo)
        _send(settings, feed, count=warm)
        _drained(database, warm, job)
        with used_meanwhile(database, job=job) as cost:
            sent = _send(settings, feed, count=events - warm)
            _drained(database, events, job)
        counted = events - warm
        state = {name: _newest(database, name)["state_bytes"] for name in ("recommend", "engagement")}
        last = _newest(database, "recommend")["batch"]
        with (
            used_meanwhile(database, job=job) as trickle,
            Feeder(settings, per_second=5, tracks=FMA) as feeder,
        ):
            time.sleep(TRICKLE_SECONDS)
        _drained(database, events + len(feeder.sent), job)
        single = StreamProgress(Store(database)).batches("recommend", after=last)
        took = [step["duration_ms"]["triggerExecution"] for step in single]
        stored = _topic_bytes(settings) / _taken(database, "recommend")
        counting, facts = _counting(database), _size(database, "listening")
    return {
        "job_cpu_ms_per_event": cost.job_s / counted * 1000,
        "mongod_cpu_ms_per_event": cost.mongod_s / counted * 1000,
        "broker_cpu_ms_per_event": cost.broker_s / counted * 1000,
        "updates_per_event": cost.updates / counted,
        "mongo_network_bytes_per_event": cost.mongo_bytes / counted,
        "event_bytes": sent / counted,
        "event_bytes_stored": stored,
        "state_bytes_per_listener": sum(state.values()) / listeners,
        **{f"state_bytes_per_event_{name}": size / events for name, size in state.items()},
        "batch_ms": float(np.percentile(took, UNDISTURBED)),
        "batch_other_work": trickle.others,
        "count_mongod_cpu_ms_per_listener": counting,
        "events_per_listener": events / listeners,
        "listening_bytes_per_event": facts / (events + len(feeder.sent)),
    }


def _counting(database: Database[Document]) -> float:
    """mongod's milliseconds per listener for the recount of a window, which follows each batch."""
    listening = Listening(Store(database))
    starts = [int(start.timestamp() * 1000) for start in listening.starts()]
    with used_meanwhile(database) as cost:
        listening.count_windows(starts)
    return cost.mongod_s / listening.count() * 1000


def _send(settings: Settings, feed: Iterator[dict[str, Any]], *, count: int) -> int:
    """Send `count` plays of the feed; returns the bytes of their keys and values."""
    sent = 0
    with PlayProducer(settings.kafka) as producer:
        for _ in range(count):
            play = next(feed)
            value = json.dumps({**play, "occurred_at": time.time_ns() // 1_000_000}).encode()
            key = play["user_id"].encode()
            producer.send_bytes(value, key=key)
            sent += len(key) + len(value)
        producer.flush()
    return sent


def _topic_bytes(settings: Settings) -> int:
    """The topic's bytes on the broker's disk; batches have the same form on the network."""
    admin = KafkaAdminClient(**client_options(settings.kafka))
    try:
        return sum(
            partition["partition_size"]
            for broker in admin.describe_log_dirs()
            for folder in broker["log_dirs"]
            for topic in folder["topics"]
            if topic["name"] == settings.kafka.plays_topic
            for partition in topic["partitions"]
        )
    finally:
        admin.close()


def _drained(database: Database[Document], events: int, job: subprocess.Popen[bytes]) -> None:
    """Wait until each query has processed `events` events."""
    while any(_taken(database, query) < events for query in QUERIES):
        check_alive(job, "all")
        time.sleep(0.2)


def _taken(database: Database[Document], query: str) -> int:
    return sum(step["input_rows"] for step in StreamProgress(Store(database)).batches(query))


def _newest(database: Database[Document], query: str) -> MicroBatch:
    """The newest micro-batch of a query."""
    newest = StreamProgress(Store(database)).newest(query)
    assert newest is not None
    return newest
