"""What an event, a listener's update and a query cost, and how each grows: the figures for sizing a service.

Processor time is counted, not time on the clock, so that what else runs on the machine matters little. The
costs are measured apart: a query on an index of several sizes; an update with histories of two lengths; an
event in the streaming job, with few listeners and with many, of which the updates are taken off.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import psutil
import pyarrow as pa
from kafka import KafkaAdminClient
from pymongo.database import Database
from rich.console import Console
from rich.progress import track

from benchmarks.catalogue import FMA, bundle_of, plays, track_id, vectors
from benchmarks.service import check_alive, service, variant
from segue.errors import SegueError
from segue.index.bundle import Bundle, load_bundle
from segue.local import process
from segue.local.kafka import Broker
from segue.local.mongod import Mongod
from segue.settings import Settings
from segue.storage.kafka import PlayProducer, client_options
from segue.storage.mongo import Document, connect
from udfs.replan import replan

WARM = 0.4
"""The share of a backlog that does not count: the JVM compiles in it."""
SIGNALS = (10, 100)
"""How many signals a listener's history has when it is updated."""
BATCH = 500
"""Listeners that one call updates: what a task of a busy service does."""


@dataclass
class Cost:
    """What was used between two moments, in seconds of processor time and in bytes."""

    own_s: float = 0.0
    mongod_s: float = 0.0
    mongo_bytes: int = 0


def measure(*, quick: bool, console: Console) -> dict[str, float | bool]:
    """Costs by what they depend on, and how they grow with it."""
    sizes = (10_000, FMA) if quick else (10_000, FMA, 1_000_000)
    events = 60_000 if quick else 400_000
    bundles = {size: bundle_of(size, console=console) for size in sizes}
    figures: dict[str, float | bool] = {}
    for size, path in bundles.items():
        figures |= {f"{key}_{_short(size)}": value for key, value in _query(load_bundle(path), path).items()}
    with service(bundles[FMA]) as settings:
        for signals in SIGNALS:
            cost = _update(settings, load_bundle(bundles[FMA]), signals=signals, rounds=2 if quick else 10)
            figures |= {f"{key}_{signals}": value for key, value in cost.items()}
    state = []
    for name, listeners in (("few", events // 100), ("many", events // 10)):
        found = _stream(bundles[FMA], events=events, listeners=listeners, costs=figures)
        state.append((found["signals_per_window"], found["state_bytes_per_window"]))
        figures |= {f"{key}_{name}": value for key, value in found.items()}
    return figures | dict(zip(("state_bytes_a_signal", "state_bytes_a_window"), _line(*state), strict=True))


def _short(size: int) -> str:
    return {10_000: "10k", FMA: "fma", 1_000_000: "1m"}[size]


def _line(first: tuple[float, float], second: tuple[float, float]) -> tuple[float, float]:
    """Slope and intercept through two points."""
    slope = (first[1] - second[1]) / (first[0] - second[0])
    return slope, first[1] - slope * first[0]


def _query(bundle: Bundle, path: Path) -> dict[str, float]:
    """One query for 200 neighbours, and what a track takes on the disk and, once it is used, in memory."""
    count = bundle.manifest.count
    wanted = vectors(2000, seed=12)
    bundle.neighbours.query(wanted, 200)  # the pages are read once
    began = time.process_time()
    bundle.neighbours.query(wanted, 200)
    used = time.process_time() - began
    size = sum(file.stat().st_size for file in path.iterdir())
    return {"query_cpu_ms": used / len(wanted) * 1000, "index_bytes_per_track": size / count}


def _update(settings: Settings, bundle: Bundle, *, signals: int, rounds: int) -> dict[str, float]:
    """One listener's update: history read, taste, neighbours, ranking, both documents written."""
    database = connect(settings.mongo)
    tables = [_windows(signals, seed=number) for number in range(rounds + 1)]
    replan(tables[0], database=database, bundle=bundle, settings=settings)
    with _used(database) as cost:
        for table in tables[1:]:
            replan(table, database=database, bundle=bundle, settings=settings)
    updates = rounds * BATCH
    stored = [database.command("collStats", name) for name in ("tastes", "recommendations")]
    return {
        "update_cpu_ms": cost.own_s / updates * 1000,
        "update_mongod_cpu_ms": cost.mongod_s / updates * 1000,
        "update_network_bytes": cost.mongo_bytes / updates,
        "listener_document_bytes": float(sum(one["avgObjSize"] for one in stored)),
    }


def _windows(signals: int, *, seed: int) -> pa.Table:
    """SignalWindow rows of BATCH listeners, all in the same window, each with other plays than before."""
    rng = np.random.default_rng(seed)
    now = time.time_ns() // 1_000_000
    start = now // 1_800_000 * 1_800_000
    rows = []
    for listener in range(BATCH):
        tracks = (rng.zipf(1.3, size=signals) * 7919 + listener * 31) % FMA
        rows.append(
            [
                {
                    "occurred_at": start + n,
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


def _stream(
    bundle: Path, *, events: int, listeners: int, costs: dict[str, float | bool]
) -> dict[str, float | bool]:
    """A backlog worked off by the job: what is left of its processor time for each event but the updates."""
    with service(bundle) as settings:
        database = connect(settings.mongo)
        sent = _fill(settings, events=events, listeners=listeners)
        stored = _topic_bytes(settings)
        with variant("job", settings, max_events_per_trigger=events // 20) as job:
            _wait(database, WARM * events, job)
            before, done, updates = _tree_seconds(job.pid), _taken(database), _updates(database)
            broker = _tree_seconds(_server(Broker().record, "Kafka"))
            _wait(database, events, job)
            used, done = _tree_seconds(job.pid) - before, _taken(database) - done
            updates = _updates(database) - updates
            broker = _tree_seconds(_server(Broker().record, "Kafka")) - broker
            last = database.stream_progress.find_one({"query": "recommend"}, sort=[("batch", -1)]) or {}
    windows = last["state_rows"]
    a_signal, rest = _line(*((float(n), float(costs[f"update_cpu_ms_{n}"])) for n in SIGNALS))
    # A window had grown to its length by the end; what counts here saw it between WARM of that and all of it.
    update_s = (rest + a_signal * events / windows * (1 + WARM) / 2) / 1000
    return {
        "job_cpu_ms_per_event": used / done * 1000,
        "updates_per_event": updates / done,
        "event_cpu_ms": (used - updates * update_s) / done * 1000,
        "broker_cpu_ms_per_event": broker / done * 1000,
        "event_bytes": sent / events,
        "event_bytes_stored": stored / events,
        "signals_per_window": events / windows,
        "state_bytes_per_window": last["state_bytes"] / windows,
    }


def _fill(settings: Settings, *, events: int, listeners: int) -> int:
    """Send the backlog; returns the bytes of its keys and values."""
    feed, sent = plays(listeners=listeners, tracks=FMA), 0
    with PlayProducer(settings.kafka) as producer:
        for play, _ in zip(feed, track(range(events), description="Filling the topic"), strict=False):
            value = json.dumps({**play, "occurred_at": time.time_ns() // 1_000_000}).encode()
            key = play["user_id"].encode()
            producer.send_bytes(value, key=key)
            sent += len(key) + len(value)
        producer.flush()
    return sent


def _topic_bytes(settings: Settings) -> int:
    """What the topic takes on the broker's disk."""
    admin = KafkaAdminClient(**client_options(settings.kafka))
    try:
        return sum(
            partition["partition_size"]
            for broker in admin.describe_log_dirs()
            for folder in broker["results"]
            for topic in folder["topics"]
            if topic["name"] == settings.kafka.plays_topic
            for partition in topic["partitions"]
        )
    finally:
        admin.close()


def _wait(database: Database[Document], events: float, job: object) -> None:
    while _taken(database) < events:
        check_alive(job, "job")  # type: ignore[arg-type]
        time.sleep(0.2)


def _taken(database: Database[Document]) -> int:
    steps = database.stream_progress.find({"query": "recommend"}, {"input_rows": 1})
    return sum(step["input_rows"] for step in steps)


def _updates(database: Database[Document]) -> float:
    """Listeners updated so far: each takes one write of a taste and one of recommendations."""
    return float(database.client.admin.command("serverStatus")["opcounters"]["update"]) / 2


@contextmanager
def _used(database: Database[Document]) -> Iterator[Cost]:
    cost = Cost()
    pid = _server(Mongod().record, "MongoDB")
    own, mongod, network = time.process_time(), _tree_seconds(pid), _network(database)
    yield cost
    cost.own_s, cost.mongod_s = time.process_time() - own, _tree_seconds(pid) - mongod
    cost.mongo_bytes = _network(database) - network


def _network(database: Database[Document]) -> int:
    """Bytes in and out of the server so far."""
    network = database.client.admin.command("serverStatus")["network"]
    return int(network["bytesIn"] + network["bytesOut"])


def _server(record: Path, name: str) -> int:
    found = process.running(process.read_record(record))
    if found is None:
        raise SegueError(f"capacity counts the processor time of the embedded {name}: name none of your own")
    return found.pid


def _tree_seconds(pid: int) -> float:
    """Processor time of a process, of what it has started, and of those of them that have ended."""
    total = 0.0
    for one in [psutil.Process(pid), *psutil.Process(pid).children(recursive=True)]:
        try:
            times = one.cpu_times()
        except psutil.NoSuchProcess:
            continue
        total += times.user + times.system + times.children_user + times.children_system
    return total
