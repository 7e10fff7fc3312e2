"""The resources that a service uses during a block: processor time by process, network, writes."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil
from pymongo.database import Database

from segue.errors import SegueError
from segue.local import process
from segue.local.kafka import Broker
from segue.local.mongod import Mongod
from segue.processor_time import processor_time
from segue.ranking.recommendations import Recommendations
from segue.storage.mongo import Document


@dataclass
class Used:
    """The usage between two times, in processor seconds and bytes."""

    job_s: float = 0.0
    mongod_s: float = 0.0
    broker_s: float = 0.0
    mongo_bytes: int = 0
    updates: int = 0
    others: float = 0.0
    """The share of the machine's processor time that other processes used."""


@contextmanager
def used_meanwhile(
    database: Database[Document], job: subprocess.Popen[bytes] | None = None
) -> Iterator[Used]:
    """The usage of this process (or of `job` and its descendants), mongod and the broker during the block."""
    used = Used()
    mongod = _server(Mongod().record, "MongoDB")
    broker = _server(Broker().record, "Kafka")

    def now() -> list[float]:
        own = time.process_time() if job is None else processor_time(job.pid)
        servers = processor_time(mongod), processor_time(broker)
        return [own, *servers, _network(database), _updates(database), time.process_time(), *_machine()]

    before = now()
    yield used
    differences = [a - b for a, b in zip(now(), before, strict=True)]
    used.job_s, used.mongod_s, used.broker_s = differences[:3]
    used.mongo_bytes, used.updates = int(differences[3]), int(differences[4])
    here, busy, whole = differences[5:]
    ours = used.mongod_s + used.broker_s + here + (used.job_s if job is not None else 0.0)
    used.others = max(0.0, busy - ours) / whole


def _machine() -> tuple[float, float]:
    """Busy seconds of all cores since the boot, and total seconds."""
    times = psutil.cpu_times()
    whole = sum(times) - times.guest - times.guest_nice  # these two are part of user and nice
    return whole - times.idle - times.iowait, whole


def _updates(database: Database[Document]) -> int:
    """Writes of recommendations so far: one per update of a listener."""
    stages: list[Document] = [{"$collStats": {"latencyStats": {}}}]
    shards = database[Recommendations.name].aggregate(stages)
    return sum(int(shard["latencyStats"]["writes"]["ops"]) for shard in shards)


def _network(database: Database[Document]) -> int:
    """Bytes in and out of the server so far."""
    network = database.client.admin.command("serverStatus")["network"]
    return int(network["bytesIn"] + network["bytesOut"])


def _server(record: Path, name: str) -> int:
    server = process.running(process.read_record(record))
    if server is None:
        raise SegueError(f"capacity measures the embedded {name}: remove your own {name} from the settings")
    return server.pid
