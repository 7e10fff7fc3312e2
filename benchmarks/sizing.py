"""Estimates the needs of a service of a given size from the figures of `capacity`.

docs/evaluation/capacity.md shows them.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from rich.console import Console

from segue.errors import SegueError
from segue.settings import Settings, load_settings

GB = 1e9


@dataclass(frozen=True, kw_only=True)
class Assumed:
    """Assumptions that no benchmark can measure: listening behaviour and the size of machines."""

    listening: float = 0.05
    """Share of the listeners who listen at the peak."""
    seconds_between_events: float = 30.0
    peak_to_mean: float = 3.0
    busy: float = 0.45
    """The utilisation of machines at the expected peak, so that they can carry twice that load."""
    copies: int = 3
    """Copies of each record in Kafka and each document in MongoDB."""
    machine_cores: int = 8
    machine_gb: float = 32.0
    spark_gb_per_core: float = 2.0
    """Memory for a JVM's heap without the state, and a Python worker."""
    broker_tb: float = 8.0
    """The disk of a broker."""


def measure(*, console: Console, figures: Path, listeners: int, tracks: int) -> dict[str, float | bool]:
    """The needs of a service with `listeners` listeners and `tracks` tracks.

    Parameters
    ----------
    figures
        A file from `bench capacity --json`, or a file of results with these figures.
    """
    try:
        measured = json.loads(figures.read_text())
        measured = measured.get("figures", measured)
        sizes = needs(measured, listeners=listeners, settings=load_settings())
        layout, index = index_needs(measured, tracks=tracks)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise SegueError(f"{figures} is not a file from ./run.sh bench capacity --json: {error!r}") from None
    console.print(f"index: {layout}")
    return sizes | index


def live(measured: Mapping[str, float], whole: str, update: str) -> float:
    """The cost of a single event from a listener with a full history.

    In the backlog, where `whole` was measured, several events share an update of a short history. That share
    is subtracted, and the update of a full history added.
    """
    shared = measured["updates_per_event_many"] * measured[f"{update}_10"]
    return measured[f"{whole}_many"] - shared + measured[f"{update}_500"]


def needs(
    measured: Mapping[str, float], *, listeners: float, settings: Settings, assumed: Assumed | None = None
) -> dict[str, float]:
    """The needs of listeners at the peak."""
    assumed = assumed or Assumed()
    copies, machine = assumed.copies, assumed.machine_cores
    listening = listeners * assumed.listening
    events = listening / assumed.seconds_between_events
    per_core = 1000 * assumed.busy
    job = events * live(measured, "job_cpu_ms_per_event", "update_cpu_ms") / per_core
    mongod = events * live(measured, "mongod_cpu_ms_per_event", "update_mongod_cpu_ms") / per_core
    broker = events * measured["broker_cpu_ms_per_event_many"] / per_core
    state = sum(
        events * held_for * measured[f"state_bytes_per_event_{query}_many"]
        for query, held_for in _seconds_in_state(settings).items()
    )
    stored = measured["event_bytes_stored_many"]
    # A record is sent by its producer, to the other replicas, and to each of the three queries.
    network = (copies + 3) * stored + live(measured, "mongo_network_bytes_per_event", "update_network_bytes")
    kept = {
        name: span.total_seconds() * events / assumed.peak_to_mean for name, span in _kept(settings).items()
    }
    log_tb = kept["plays"] * stored * copies / 1e12
    return {
        "listening": listening,
        "events_per_s": events,
        "spark_cores": job,
        "state_gb": state / GB,
        "spark_gb": state / GB + assumed.spark_gb_per_core * job,
        "partitions": float(max(settings.kafka.partitions, 2 ** math.ceil(math.log2(max(1.0, job))))),
        "broker_cores": broker * copies,
        "brokers": float(
            max(copies, math.ceil(broker * copies / machine), math.ceil(log_tb / assumed.broker_tb))
        ),
        "log_tb": log_tb,
        "mongod_cores": mongod * copies,
        "mongo_shards": float(math.ceil(mongod / machine)),
        "documents_gb": listeners * measured["listener_document_bytes_500"] / GB,
        "listening_tb": kept["listening"] * measured["listening_bytes_per_event_many"] / 1e12,
        "count_s": listening * count_ms(measured, settings, assumed) / 1000,
        "network_mb_per_s": events * network / 1e6,
    }


def _kept(settings: Settings) -> dict[str, timedelta]:
    return {"plays": settings.retention.plays, "listening": settings.retention.listening}


def count_ms(measured: Mapping[str, float], settings: Settings, assumed: Assumed) -> float:
    """mongod's milliseconds for a recount of a listener's window, between few and many events."""
    events = settings.engagement.window.total_seconds() / assumed.seconds_between_events
    few, many = (measured[f"events_per_listener_{name}"] for name in ("few", "many"))
    key = "count_mongod_cpu_ms_per_listener"
    an_event = (measured[f"{key}_few"] - measured[f"{key}_many"]) / (few - many)
    return measured[f"{key}_many"] + (events - many) * an_event


def _seconds_in_state(settings: Settings) -> dict[str, float]:
    """Seconds of an event in the state of each query: until the watermark passes the window's end."""
    watermark = settings.stream.watermark.total_seconds()
    return {
        "recommend": watermark + settings.stream.window.total_seconds(),
        "engagement": watermark + settings.engagement.window.total_seconds(),
    }


def index_needs(
    measured: Mapping[str, float], *, tracks: float, assumed: Assumed | None = None
) -> tuple[str, dict[str, float]]:
    """The layout of the index, and its size.

    A version may take a quarter of a machine's memory: the job needs half, and during a switch two versions
    are mapped.
    """
    assumed = assumed or Assumed()
    size, room = tracks * measured["index_bytes_per_track_fma"] / GB, assumed.machine_gb / 4
    parts = math.ceil(size / room)
    if parts == 1:
        layout = "whole, mapped by each machine"
    elif size <= assumed.machine_gb:
        layout = "partitioned: all parts on each machine's disk, queried parts in memory"
    else:
        layout = "partitioned with routing: each machine has some of the parts"
    return layout, {
        "bundle_gb": size,
        "index_parts": float(parts),
        "sharded_query_cpu_ms": parts * measured["query_cpu_ms_fma"],
    }
