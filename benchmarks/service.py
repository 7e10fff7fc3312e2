"""A temporary service for a benchmark: settings, servers, an index, a streaming process and a feeder."""

from __future__ import annotations

import functools
import math
import os
import shutil
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from kafka import KafkaAdminClient

from segue.benchmarks.catalogue import plays
from segue.benchmarks.processes import ended
from segue.errors import SegueError
from segue.index.manifest import Manifest
from segue.local import stack
from segue.models.versions import Models
from segue.places import LOCAL, ROOT
from segue.plays.delivery import PlayProducer
from segue.settings import KafkaSettings, Settings, load_settings
from segue.storage.kafka import ensure_topics
from segue.storage.kafka_client import client_options
from segue.storage.mongo import connect
from segue.storage.store import Store

FOLDER = LOCAL / "bench"
LOG = FOLDER / "variant.log"
_chosen = functools.cache(load_settings)
"""The user's settings; loaded once, since :func:`check_alive` runs during the measurement."""


@contextmanager
def service(bundle: Path) -> Iterator[Settings]:
    """Settings with a temporary database, topics and checkpoint, and `bundle` as the active index."""
    base = stack.up(_chosen())
    name = f"bench_{uuid.uuid4().hex[:8]}"
    with own_topics(base.kafka, name=name) as kafka:
        settings = base.model_copy(
            update={
                "kafka": kafka,
                "spark": base.spark.model_copy(update={"ui_port": 4050}),
                "index": base.index.model_copy(update={"folder": str(bundle.parent)}),
            }
        )
        with in_use(settings, bundle, name=name) as own:
            yield own


@contextmanager
def own_topics(kafka: KafkaSettings, *, name: str) -> Iterator[KafkaSettings]:
    """The settings with temporary topics."""
    topics = {"plays_topic": name, "rejected_topic": f"{name}.rejected"}
    own = kafka.model_copy(update=topics)
    ensure_topics(own)
    try:
        yield own
    finally:
        admin = KafkaAdminClient(**client_options(own))
        admin.delete_topics(list(topics.values()))
        admin.close()


@contextmanager
def in_use(settings: Settings, bundle: Path, *, name: str) -> Iterator[Settings]:
    """The settings with a separate database and checkpoint, and `bundle` as the active index."""
    own = settings.model_copy(
        update={
            "mongo": settings.mongo.model_copy(update={"database": name}),
            "spark": settings.spark.model_copy(update={"checkpoint_location": str(FOLDER / name)}),
        }
    )
    database = connect(own.mongo)
    # The bundle is on this machine already; a transfer through GridFS is not part of the measurement.
    manifest = Manifest.read(bundle)
    models = Models(Store(database))
    models.put("index", manifest.version, {"manifest": manifest.document()})
    models.activate("index", manifest.version)
    try:
        yield own
    finally:
        database.client.drop_database(name)
        shutil.rmtree(FOLDER / name, ignore_errors=True)


@contextmanager
def variant(kind: str, settings: Settings, **stream: object) -> Iterator[subprocess.Popen[bytes]]:
    """Run a variant of segue.benchmarks.stream_variant as a process; `stream` are its settings."""
    own = {f"SEGUE_STREAM__{name.upper()}": str(value) for name, value in stream.items()}
    with LOG.open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "segue.benchmarks.stream_variant", kind],
            env={**environment_of(settings), **own},
            cwd=ROOT,
            stdout=log,
            stderr=log,
        )
    with ended(process):
        yield process


def environment_of(settings: Settings) -> dict[str, str]:
    """The environment of a process that uses a temporary service."""
    return {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "PYSPARK_PYTHON": sys.executable,
        "SEGUE_MONGO__URI": settings.mongo.uri,
        "SEGUE_MONGO__DATABASE": settings.mongo.database,
        "SEGUE_KAFKA__BOOTSTRAP_SERVERS": settings.kafka.bootstrap_servers,
        "SEGUE_KAFKA__PLAYS_TOPIC": settings.kafka.plays_topic,
        "SEGUE_KAFKA__REJECTED_TOPIC": settings.kafka.rejected_topic,
        "SEGUE_SPARK__CHECKPOINT_LOCATION": settings.spark.checkpoint_location,
        "SEGUE_SPARK__UI_PORT": str(settings.spark.ui_port),
        "SEGUE_INDEX__FOLDER": settings.index.folder,
    }


@dataclass
class Feeder:
    """Sends plays at a steady rate from a thread."""

    settings: Settings
    per_second: float
    tracks: int
    listeners: int = 200
    renewed: float = math.inf
    """Seconds after which all listeners are replaced."""
    sent: list[tuple[str, int]] = field(default_factory=list)
    """(user_id, occurred_at) of each sent play."""

    def __post_init__(self) -> None:
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._feed, daemon=True)

    def __enter__(self) -> Feeder:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _feed(self) -> None:
        began = time.monotonic()
        with PlayProducer(self.settings.kafka) as producer:
            for number, play in enumerate(plays(listeners=self.listeners, tracks=self.tracks)):
                if self._stop.wait(max(0.0, began + number / self.per_second - time.monotonic())):
                    return
                now, generation = time.time_ns() // 1_000_000, int((time.monotonic() - began) / self.renewed)
                user = f"{play['user_id']}-{generation}"
                producer.send({**play, "user_id": user, "occurred_at": now})
                self.sent.append((user, now))


def check_alive(process: subprocess.Popen[bytes], kind: str) -> None:
    """Check that the variant and its servers are still running.

    Raises
    ------
    SegueError
        A process has ended, so that the figures would be invalid.
    """
    if process.poll() is not None:
        raise SegueError(f"the variant '{kind}' ended unexpectedly: see {LOG}")
    stack.connected(_chosen())


def wait(seconds: float, process: subprocess.Popen[bytes], kind: str) -> None:
    """Wait for `seconds`, and call :func:`check_alive` meanwhile."""
    end = time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0:
        check_alive(process, kind)
        time.sleep(min(0.5, left))
