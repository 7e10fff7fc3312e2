"""The throughput of a backlog of plays: the job beside a plain consumer with one and two processes.

Every variant reads the same topic into a separate database, and the databases are compared. The first part of
the backlog is the warm-up and does not count.
"""

from __future__ import annotations

import contextlib
import json
import subprocess
import time
from datetime import datetime, timedelta
from typing import Any

import numpy as np
from pymongo.database import Database
from rich.console import Console

from segue.benchmarks.bars import track
from segue.benchmarks.catalogue import bundle_of, plays
from segue.benchmarks.service import check_alive, in_use, service, variant
from segue.operations.stream_progress import StreamProgress
from segue.plays.delivery import PlayProducer
from segue.ranking.recommendations import Recommendations
from segue.settings import Settings, load_settings
from segue.storage.mongo import Document, connect
from segue.storage.store import Store
from segue.taste.tastes import Tastes

FMA = 106_574
WARM = 0.25
"""The share of the backlog for the warm-up."""
KINDS = {"job": ("job",), "plain1": ("plain:0:1",), "plain2": ("plain:0:2", "plain:1:2")}


def measure(*, quick: bool, console: Console) -> dict[str, float | bool]:
    """Events per second of each variant, and whether all have the same resulting documents."""
    count, listeners = (200_000, 20_000) if quick else (1_000_000, 50_000)
    # Some micro-batches must remain after the warm-up.
    stream = {"max_offsets_per_trigger": 40_000} if quick else {}
    bundle = bundle_of(FMA, console=console)
    with contextlib.ExitStack() as stack:
        settings = stack.enter_context(service(bundle))
        last = _fill(settings, count=count, listeners=listeners)
        rates, states = {}, {}
        for kind, processes in KINDS.items():
            own = stack.enter_context(in_use(settings, bundle, name=f"{settings.mongo.database}_{kind}"))
            rates[kind] = _run(processes, own, last=last, **stream)
            console.print(f"{kind}: {rates[kind]:,.0f} events/s")
            states[kind] = _state(connect(own.mongo))
    return {
        "events": count,
        "events_per_s": rates["job"],
        "plain1_events_per_s": rates["plain1"],
        "plain2_events_per_s": rates["plain2"],
        "ratio_plain1": rates["job"] / rates["plain1"],
        "ratio_plain2": rates["job"] / rates["plain2"],
        "same_result": all(state == states["job"] for state in states.values()),
    }


def _fill(settings: Settings, *, count: int, listeners: int) -> dict[str, int]:
    """Send the backlog; returns each listener's last `occurred_at`."""
    last: dict[str, int] = {}
    feed = plays(listeners=listeners, tracks=FMA)
    with PlayProducer(settings.kafka) as producer:
        for play, _ in zip(feed, track(range(count), description="Filling the topic"), strict=False):
            now = time.time_ns() // 1_000_000
            value = json.dumps({**play, "occurred_at": now}).encode()
            producer.send_bytes(value, key=play["user_id"].encode())
            last[play["user_id"]] = now
        producer.flush()
    return last


def _run(kinds: tuple[str, ...], settings: Settings, *, last: dict[str, int], **stream: int) -> float:
    """Events per second between the end of the warm-up and the last document."""
    database = connect(settings.mongo)
    with contextlib.ExitStack() as stack:
        processes: list[subprocess.Popen[bytes]] = [
            stack.enter_context(variant(kind, settings, **stream)) for kind in kinds
        ]
        while not _all_reflected(database, last):
            for process in processes:
                check_alive(process, kinds[0])
            time.sleep(0.25)
        time.sleep(2)  # the last progress is on its way
    steps = StreamProgress(Store(database)).batches()
    return _rate(
        [(step["at"], step["duration_ms"]["triggerExecution"], step["input_rows"]) for step in steps]
    )


def _rate(steps: list[tuple[datetime, float, int]]) -> float:
    """Rows per second after the warm-up, from (start, milliseconds, rows) of each batch."""
    ends = sorted((at + timedelta(milliseconds=ms), rows) for at, ms, rows in steps)
    done = np.cumsum([rows for _, rows in ends])
    first = int(np.searchsorted(done, WARM * done[-1]))
    seconds = (ends[-1][0] - ends[first][0]).total_seconds()
    return float((done[-1] - done[first]) / seconds)


def _all_reflected(database: Database[Document], last: dict[str, int]) -> bool:
    reflected = Recommendations(Store(database)).reflected(list(last))
    return all(reflected.get(user_id, 0) >= at for user_id, at in last.items())


def _state(database: Database[Document]) -> dict[str, Any]:
    """The state that must be the same for all variants: each listener's recommended tracks and history."""
    store = Store(database)
    user_ids = [written.user_id for written in Recommendations(store).written_since(None)]
    lists = {
        recommendation.user_id: [track.track_id for track in recommendation.tracks]
        for recommendation in Recommendations(store).of_several(user_ids)
    }
    expected = {
        listener.user_id: {start: (window.tracks, window.at) for start, window in listener.history.items()}
        for listener in Tastes(store).listeners(user_ids, taste=load_settings().taste)
    }
    return {"lists": lists, "heard": expected}
