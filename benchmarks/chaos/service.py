"""A whole service for faults: a replica set of three mongods, a broker, the stream and the dashboard.

It has its own home folder, so that it needs nothing of the user's service and harms nothing there.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import httpx
from pymongo import MongoClient
from rich.console import Console

from segue.benchmarks.catalogue import bundle_of
from segue.benchmarks.chaos.processes import SEGUE, Supervised, Supervisor, until
from segue.errors import SegueError
from segue.index.manifest import Manifest
from segue.local.kafka import Broker
from segue.local.mongod import binary
from segue.local.process import free_port, write_text
from segue.models.versions import Models
from segue.places import LOCAL, ROOT
from segue.settings import Settings, load_settings
from segue.storage.kafka import ensure_topics
from segue.storage.mongo import Document, PyMongoError, connect
from segue.storage.store import Store

TRACKS = 2_000
READY_SECONDS = 300.0
_REPLICA_SET = "segue"
_USUAL_PORTS = (26117, 26117, 26117, 26092, 26093, 8900)
"""Of three mongods, the broker, its controller and the dashboard; far from those of the embedded servers."""


@dataclass
class Service:
    """The processes and the settings with which they run."""

    home: Path
    settings: Settings
    bundle: Path
    """Of the index."""
    address: str
    """Of the dashboard."""
    environment: Mapping[str, str]
    mongods: dict[int, Supervised]
    """By port."""
    broker: Supervised
    stream: Supervised
    dashboard: Supervised

    def __post_init__(self) -> None:
        self.supervisor = Supervisor([one for some in self.processes.values() for one in some])

    @property
    def processes(self) -> dict[str, list[Supervised]]:
        """The processes by their kind."""
        return {
            "broker": [self.broker],
            "mongod": list(self.mongods.values()),
            "stream": [self.stream],
            "dashboard": [self.dashboard],
        }

    def start(self, *, console: Console) -> None:
        """Start all processes; returns when the service serves pages.

        Raises
        ------
        SegueError
            A process does not start.
        """
        with console.status("Starting the servers"):
            for server in (*self.mongods.values(), self.broker):
                server.start()
            _initiate(list(self.mongods))
            if not until(lambda: self.primary() is not None, READY_SECONDS):
                raise SegueError(f"the replica set has no primary: see {self.home}")
            if not until(lambda: _has_topics(self.settings), READY_SECONDS):
                raise SegueError(f"the broker does not answer: see {self.broker.log}")
        _publish(self.settings, self.bundle)
        with console.status("Starting the stream and the dashboard"):
            self.stream.start()
            self.dashboard.start()
            self.supervisor.start()
            if not until(self.ready, READY_SECONDS):
                raise SegueError(f"the dashboard does not answer: see {self.dashboard.log}")

    @contextmanager
    def stopped_at_the_end(self, *, console: Console) -> Iterator[None]:
        """Stop all processes when the block ends in any way."""
        try:
            yield
        finally:
            with console.status("Stopping the service"):
                self.supervisor.stop()

    def ready(self) -> bool:
        """Whether the dashboard answers and MongoDB has a primary."""
        try:
            page = httpx.get(self.address, headers={"accept": "text/html"}, timeout=5)
        except httpx.HTTPError:
            return False
        return page.status_code == 200 and self.primary() is not None

    def primary(self) -> int | None:
        """The port of the member that accepts writes; None during an election."""
        for port, member in self.mongods.items():
            if member.runs() and _is_primary(port):
                return port
        return None

    def step_down(self, port: int) -> None:
        """Let a primary hand over, as before maintenance."""
        with _client(port) as client:
            client.admin.command({"replSetStepDown": 10, "secondaryCatchUpPeriodSecs": 5})


def planned(home: Path, *, console: Console) -> Service:
    """A service in an empty home folder, before any of its processes runs."""
    if home.exists():
        shutil.rmtree(home)
    home.mkdir(parents=True)
    (home / "jars").symlink_to(LOCAL / "jars")
    return _planned(home, bundle=bundle_of(TRACKS, console=console))


def _planned(home: Path, *, bundle: Path) -> Service:
    ports: list[int] = []
    for usual in _USUAL_PORTS:
        ports.append(free_port(usual, avoid=ports))
    *members, kafka, controller, page = ports
    broker = Broker(home / "kafka")
    write_text(broker.folder / "ports", f"{kafka} {controller}")
    command, bootstrap = broker.command()

    def command_of_broker() -> Sequence[str]:
        broker.empty_temporary()
        return command  # with the same ports at each start

    hosts = ",".join(f"127.0.0.1:{port}" for port in members)
    environment = {
        "PYTHONPATH": str(ROOT),
        "SEGUE_HOME": str(home),
        "SEGUE_MONGO__URI": f"mongodb://{hosts}/?replicaSet={_REPLICA_SET}",
        "SEGUE_KAFKA__BOOTSTRAP_SERVERS": bootstrap,
        "SEGUE_KAFKA__MANAGE_TOPICS": "on",
        "SEGUE_INDEX__FOLDER": str(bundle.parent),
        "SEGUE_SPARK__CHECKPOINT_LOCATION": str(home / "checkpoints"),
        "SEGUE_SPARK__UI_PORT": "0",
        "SEGUE_STREAM__METRICS_PORT": "0",
        # So that both the driver and the workers plan.
        "SEGUE_STREAM__MAX_DRIVER_LISTENERS": "1",
        "SEGUE_DASHBOARD__PORT": str(page),
    }
    base = load_settings()
    settings = base.model_copy(
        update={
            "mongo": base.mongo.model_copy(
                update={"uri": environment["SEGUE_MONGO__URI"], "timeout": timedelta(seconds=30)}
            ),
            "kafka": base.kafka.model_copy(update={"bootstrap_servers": bootstrap, "manage_topics": "on"}),
        }
    )

    def job(name: str, *arguments: str) -> Supervised:
        log = home / "logs" / f"{name}.log"
        return Supervised(name, lambda: [*SEGUE, *arguments], log=log, environment=environment)

    return Service(
        home=home,
        settings=settings,
        bundle=bundle,
        address=f"http://127.0.0.1:{page}",
        environment=environment,
        mongods={port: _mongod(home / f"mongod-{port}", port) for port in members},
        broker=Supervised("broker", command_of_broker, log=broker.log, folder=broker.folder),
        stream=job("stream", "stream", "run"),
        dashboard=job("dashboard", "dashboard", "serve", "--port", str(page)),
    )


def _mongod(folder: Path, port: int) -> Supervised:
    (folder / "data").mkdir(parents=True)
    command = [str(binary()), "--replSet", _REPLICA_SET, "--port", str(port), "--bind_ip", "127.0.0.1"]
    command += ["--dbpath", str(folder / "data"), "--wiredTigerCacheSizeGB", "0.25", "--oplogSize", "256"]
    command += ["--nounixsocket", "--quiet"]
    return Supervised(f"mongod-{port}", lambda: command, log=folder / "log", folder=folder)


def _initiate(ports: list[int]) -> None:
    members = [{"_id": n, "host": f"127.0.0.1:{port}"} for n, port in enumerate(ports)]
    config = {"_id": _REPLICA_SET, "members": members}

    def initiated() -> bool:
        with _client(ports[0]) as client:
            try:
                client.admin.command("replSetInitiate", config)
            except PyMongoError as error:
                return getattr(error, "code", None) == 23  # AlreadyInitialized
            return True

    if not until(initiated, READY_SECONDS):
        raise SegueError("MongoDB's replica set could not be initiated")


def _has_topics(settings: Settings) -> bool:
    try:
        ensure_topics(settings.kafka)
    except SegueError:
        return False
    return True


def _publish(settings: Settings, bundle: Path) -> None:
    manifest = Manifest.read(bundle)
    models = Models(Store(connect(settings.mongo)))
    models.put("index", manifest.version, {"manifest": manifest.document()})
    models.activate("index", manifest.version)


def _client(port: int) -> MongoClient[Document]:
    return MongoClient("127.0.0.1", port, directConnection=True, serverSelectionTimeoutMS=1000)


def _is_primary(port: int) -> bool:
    with _client(port) as client:
        try:
            return bool(client.admin.command("hello")["isWritablePrimary"])
        except PyMongoError:
            return False


def environment_of(service: Service) -> dict[str, str]:
    """The environment of a command that works on the service."""
    return {**os.environ, **service.environment}
