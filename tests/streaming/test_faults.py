"""Faults while plays flow: afterwards all is as the topic's contents say it must be."""

from __future__ import annotations

import contextlib
import random
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psutil
import pytest
from pymongo.errors import PyMongoError

from segue.local.kafka import Broker
from segue.local.mongod import Mongod
from segue.local.process import read_record
from segue.people.forgotten import Forgotten
from segue.plays.delivery import PlayProducer
from segue.settings import Settings
from segue.storage.kafka import ensure_topics
from segue.storage.mongo import connect
from segue.storage.store import Store
from tests.plays.examples import encoded
from tests.ports import with_ports
from tests.streaming import test_engagement
from tests.streaming.conftest import TRACKS, publish_made_up, track_id
from tests.streaming.job import RestartingJob
from tests.streaming.test_recommend import check_against_reference
from tests.waiting import PATIENCE, until

MINUTE = 60_000
pytestmark = pytest.mark.xdist_group("servers that are killed")  # its own, so that nothing waits for it


class FaultyFeeder:
    """Sends plays: 10 % malformed, 20 % twice, 10 % out of order, some too late or too early."""

    def __init__(self, settings: Settings, *, per_second: float) -> None:
        self._settings, self._pause = settings, 1 / per_second
        self._stop = threading.Event()
        self.sent: list[Any] = []
        """A future for each record, of its place in the topic."""
        self._thread = threading.Thread(target=self._feed, daemon=True)

    def __enter__(self) -> FaultyFeeder:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join(PATIENCE)
        assert not self._thread.is_alive()

    def _feed(self) -> None:
        rng = random.Random(4)
        with PlayProducer(self._settings.kafka) as producer:
            self.sent.append(producer.send_bytes(b'{"junk": "' + b"x" * 1_000_000 + b'"}'))
            while not self._stop.wait(self._pause):
                value = self._value(rng)
                for _ in range(2 if rng.random() < 0.2 else 1):
                    self.sent.append(producer.send_bytes(value, key=value[-20:]))
            producer.flush()

    def _value(self, rng: random.Random) -> bytes:
        if rng.random() < 0.1:
            return rng.choice([b"{", b"\xff\x00", encoded(type="hum"), encoded(user_id=...)])
        shift = rng.choices([0, -20, -90, 60], weights=[85, 10, 3, 2])[0]
        kind = rng.choice(["complete", "skip", "like", "play"])
        return encoded(
            user_id=f"user{rng.randrange(8)}",
            track_id=track_id(rng.randrange(TRACKS)),
            type=kind,
            ms_played=4000 if kind == "skip" else 180_000,
            occurred_at=time.time_ns() // 1_000_000 + shift * MINUTE,
        )


@pytest.fixture
def servers(tmp_path: Path) -> Iterator[tuple[Mongod, Broker]]:
    """A mongod and a broker of the test's own, to be killed."""
    mongod = Mongod(with_ports(tmp_path / "mongo", first=31117))
    broker = Broker(with_ports(tmp_path / "kafka", first=31092))
    yield mongod, broker
    mongod.stop()
    broker.stop()


@pytest.fixture
def service(settings: Settings, servers: tuple[Mongod, Broker], tmp_path: Path) -> Settings:
    """Settings of a service on those servers, with an index; every listener is planned in the workers."""
    mongod, broker = servers
    parts = {
        "mongo": {"uri": mongod.start(), "database": "faults", "timeout": timedelta(seconds=2)},
        "kafka": {"bootstrap_servers": broker.start()},
        "stream": {
            "max_driver_listeners": 0,
            "metrics_port": 0,
            "mongo_retry_timeout": timedelta(minutes=10),
            # Without a pause, micro-batches of two plays would keep both cores busy.
            "trigger_interval": timedelta(seconds=0.5),
            "rejected_trigger_interval": timedelta(seconds=2),
        },
        "engagement": {"trigger_interval": timedelta(seconds=2)},
        # The reference knows the topic only, not the intermediate results of the counting.
        "ranking": {"feedback_skip_weight": 0.0, "feedback_like_weight": 0.0},
    }
    own = settings.model_copy(
        update={name: getattr(settings, name).model_copy(update=values) for name, values in parts.items()}
    )
    ensure_topics(own.kafka)
    publish_made_up(connect(own.mongo), own.index.folder)
    return own


def kill(record: Path) -> None:
    found = read_record(record)
    assert found
    process = psutil.Process(found.pid)
    process.kill()
    process.wait(PATIENCE)


def test_whatever_is_killed_nothing_is_lost_and_nothing_counts_twice(
    service: Settings, servers: tuple[Mongod, Broker], tmp_path: Path
) -> None:
    mongod, broker = servers
    database = connect(service.mongo)
    log = tmp_path / "job.log"
    Forgotten(Store(database)).remember("who left", plays_kept=timedelta(days=1))
    database.forgotten.update_one({}, {"$set": {"sweep_at": datetime.now(UTC)}})
    database.tastes.insert_one({"_id": "who left", "windows": {}})

    def batches() -> int:
        with contextlib.suppress(PyMongoError):
            return database.stream_progress.count_documents({"query": "recommend", "input_rows": {"$gt": 0}})
        return -1

    def goes_on() -> None:
        before = batches()
        until(lambda: batches() > before >= 0, f"the stream goes on (see {log})")

    with RestartingJob(service, log) as job:
        with FaultyFeeder(service, per_second=40):
            goes_on()
            for worker in job.workers():
                with contextlib.suppress(psutil.Error):
                    worker.kill()
            goes_on()
            kill(mongod.record)
            starts = job.starts
            time.sleep(4)  # away for longer than a connection is waited for
            mongod.start()
            goes_on()
            assert job.starts == starts, "a MongoDB that is away for a while is waited for"
            kill(broker.record)
            broker.start()
            goes_on()
            job.kill()  # the driver, in the middle of whatever it does
            goes_on()
        assert job.starts >= 2
        until(lambda: _agrees(service), "all is as the topic says")
    check_against_reference(service, database)
    test_engagement.check_against_reference(service, database, catalogue={})
    assert database.tastes.find_one({"_id": "who left"}) is None, "the job swept it up"


def _agrees(settings: Settings) -> bool:
    with contextlib.suppress(AssertionError, PyMongoError):
        check_against_reference(settings, connect(settings.mongo))
        test_engagement.check_against_reference(settings, connect(settings.mongo), catalogue={})
        return True
    return False
