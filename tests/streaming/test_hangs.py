"""Hung servers and workers, and a stream that ends again and again: health and alerts name them."""

from __future__ import annotations

import contextlib
import json
import signal
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import psutil
import pytest

from segue.local.kafka import Broker
from segue.local.mongod import Mongod
from segue.local.process import free_port, read_record
from segue.plays.delivery import PlayProducer
from segue.settings import Settings
from segue.storage.kafka import ensure_topics
from segue.storage.mongo import connect
from tests.plays.examples import encoded
from tests.streaming.conftest import TRACKS, publish_made_up, track_id
from tests.streaming.job import RestartingJob
from tests.streaming.prometheus import PROMETHEUS, Prometheus
from tests.waiting import PATIENCE, until

RECOMMEND_QUERY = "recommend"
RECOMMEND = f"the query '{RECOMMEND_QUERY}' has made no progress since 2"
STALL = timedelta(seconds=45)
"""Shorter than the default, for a shorter test; longer than a busy machine delays an idle query."""
MOST_SECONDS = 120.0
"""Within two minutes, somebody is told."""

pytestmark = [
    pytest.mark.xdist_group("servers that hang"),  # it mostly waits, and others need not wait for it
    pytest.mark.skipif(PROMETHEUS is None, reason="Prometheus evaluates the alert rules"),
]


@pytest.fixture
def servers(tmp_path: Path) -> Iterator[tuple[Mongod, Broker]]:
    mongod, broker = Mongod(tmp_path / "mongo"), Broker(tmp_path / "kafka")
    yield mongod, broker
    mongod.stop()
    broker.stop()


@pytest.fixture
def service(settings: Settings, servers: tuple[Mongod, Broker]) -> Settings:
    """A service on those servers, with an index; every listener is planned in the workers."""
    mongod, broker = servers
    parts = {
        "mongo": {"uri": mongod.start(), "database": "hangs", "timeout": timedelta(seconds=5)},
        "kafka": {"bootstrap_servers": broker.start()},
        "stream": {
            "max_driver_listeners": 0,
            "metrics_port": free_port(24241),
            "stall_timeout": STALL,
            "trigger_interval": timedelta(seconds=1),
            "rejected_trigger_interval": timedelta(seconds=2),
        },
        "engagement": {"trigger_interval": timedelta(seconds=2)},
    }
    own = settings.model_copy(
        update={name: getattr(settings, name).model_copy(update=values) for name, values in parts.items()}
    )
    ensure_topics(own.kafka)
    publish_made_up(connect(own.mongo), own.index.folder)
    return own


@contextlib.contextmanager
def feeding(settings: Settings) -> Iterator[None]:
    """Send a few plays a second."""
    stop = threading.Event()

    def feed() -> None:
        with PlayProducer(settings.kafka) as producer:
            number = 0
            while not stop.wait(0.3):
                now = time.time_ns() // 1_000_000
                value = encoded(
                    user_id=f"user{number % 8}", track_id=track_id(number % TRACKS), occurred_at=now
                )
                producer.send_bytes(value, key=value[-20:])
                number += 1

    thread = threading.Thread(target=feed, daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(PATIENCE)


def health(settings: Settings) -> dict[str, Any]:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{settings.stream.metrics_port}/health") as answer:
            found: dict[str, Any] = json.load(answer)
    except urllib.error.HTTPError as error:
        with error:
            found = json.load(error)
    except OSError:
        found = {"status": "away", "problems": []}
    return found


def progress(settings: Settings) -> dict[str, datetime]:
    """The time at which each query last made progress."""
    queries = health(settings)["queries"]
    return {name: datetime.fromisoformat(query["progress_at"]) for name, query in queries.items()}


def process_of(record: Path) -> psutil.Process:
    found = read_record(record)
    assert found
    return psutil.Process(found.pid)


@contextlib.contextmanager
def suspended(*processes: psutil.Process) -> Iterator[None]:
    for process in processes:
        process.send_signal(signal.SIGSTOP)
    try:
        yield
    finally:
        for process in processes:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.send_signal(signal.SIGCONT)


def test_a_query_that_hangs_is_unhealthy_and_raises_an_alert(
    service: Settings, servers: tuple[Mongod, Broker], tmp_path: Path
) -> None:
    mongod, broker = servers
    port = service.stream.metrics_port
    with (
        RestartingJob(service, tmp_path / "job.log") as job,
        Prometheus(tmp_path / "prometheus", job="segue-stream", port=port) as alerts,
    ):

        def is_well() -> bool:
            return health(service)["status"] == "healthy" and "QueryHangs" not in alerts.firing()

        def hangs(name: str) -> None:
            """Wait for the alert; the page of the health names the query and the time."""
            began = time.monotonic()
            until(lambda: "QueryHangs" in alerts.firing(), f"the alert, with {name} suspended")
            assert time.monotonic() - began < MOST_SECONDS
            assert health(service)["status"] == "unhealthy"
            until(lambda: RECOMMEND in str(health(service)["problems"]), "the page names the query")

        until(is_well, "the stream runs")
        starts = job.starts
        with feeding(service):
            until(lambda: connect(service.mongo).recommendations.count_documents({}) > 0, "plays count")
        # No plays for longer than a query may hang: the queries make progress nevertheless.
        first = progress(service)
        assert RECOMMEND_QUERY in first
        until(
            lambda: all(
                last - first[query] > STALL + timedelta(seconds=15)
                for query, last in progress(service).items()
            ),
            "an idle stream makes progress",
        )
        until(is_well, "an idle stream is healthy")
        with feeding(service), suspended(*job.workers()):
            hangs("the workers")
        until(is_well, "the workers run again")
        with feeding(service), suspended(process_of(mongod.record)):
            hangs("mongod")
        until(is_well, "mongod runs again")
        with suspended(process_of(broker.record)):
            hangs("the broker")
        until(is_well, "the broker runs again")
        assert job.starts == starts
        began = time.monotonic()
        for _ in range(3):
            job.kill()
            until(lambda: health(service)["status"] != "away", "the stream starts again")
            time.sleep(2)  # a few scrapes
        until(lambda: "StreamRestarts" in alerts.firing(), "the alert of a crash loop")
        assert time.monotonic() - began < MOST_SECONDS
