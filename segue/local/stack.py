"""Starts, finds and stops the embedded servers, for Kafka and MongoDB without an address in the settings."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Collection
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from segue.errors import SegueError
from segue.local import process
from segue.local.kafka import Broker
from segue.local.mongod import Mongod
from segue.places import LOCAL
from segue.settings import Settings

FREE_BYTES = 1_000_000_000
"""The free disk space that the servers need to start."""
_FIRST_TO_END = ("dashboard", "replay")


def up(settings: Settings, *, folder: Path = LOCAL) -> Settings:
    """Start the servers that have no address in the settings; returns the settings with their addresses.

    Raises
    ------
    SegueError
        The disk is full, or a server does not start.
    """
    starts: dict[str, Callable[[], str]] = {}
    if not settings.kafka.bootstrap_servers:
        starts["kafka"] = Broker(folder / "kafka").start
    if not settings.mongo.uri:
        starts["mongo"] = Mongod(folder / "mongo").start
    if starts:
        _check_disk(folder)
    with ThreadPoolExecutor(max_workers=2) as pool:
        started = {name: pool.submit(start) for name, start in starts.items()}
        addresses = {name: future.result() for name, future in started.items()}
    return _filled_in(settings, bootstrap=addresses.get("kafka"), uri=addresses.get("mongo"))


def connected(settings: Settings, *, kafka: bool = True, folder: Path = LOCAL) -> Settings:
    """The settings, with missing addresses replaced by those of the running embedded servers.

    `kafka=False` is for commands that need MongoDB only.

    Raises
    ------
    SegueError
        A required server is not running.
    """
    bootstrap = settings.kafka.bootstrap_servers or Broker(folder / "kafka").address()
    if kafka and not bootstrap:
        raise SegueError(
            "the embedded Kafka is not running: start it with ./run.sh up, "
            "or set SEGUE_KAFKA__BOOTSTRAP_SERVERS"
        )
    uri = settings.mongo.uri or Mongod(folder / "mongo").address()
    if not uri:
        raise SegueError(
            "the embedded MongoDB is not running: start it with ./run.sh up, or set SEGUE_MONGO__URI"
        )
    return _filled_in(settings, bootstrap=bootstrap, uri=uri)


def status(*, folder: Path = LOCAL) -> list[tuple[process.Record, bool]]:
    """The recorded processes and whether each is running, in the order in which `down` stops them."""
    records = [process.read_record(file) for file in _records(folder)]
    return [(record, process.running(record) is not None) for record in records if record]


def waits_for(name: str) -> str:
    """What `down` waits for while it stops a process, as a line for people."""
    reasons = {"stream": "which finishes the micro-batch in progress", "mongo": "which writes to its disk"}
    shown = {"kafka": "Kafka", "mongo": "MongoDB"}.get(name, f"the {name}")
    return f"Stopping {shown}" + (f", {reasons[name]}" if name in reasons else "")


def down(
    *,
    folder: Path = LOCAL,
    only: Collection[process.Record] | None = None,
    stopping: Callable[[str], None] = lambda name: None,
) -> list[str]:
    """Stop the processes that the records in `folder` name, or `only` some of them.

    The dashboard and the replay are stopped first, then the jobs, then the servers. `stopping` is called with
    the name of each process before it is stopped.

    Returns
    -------
    list
        The names of the processes that were running.
    """
    ended = []
    # A process may have added its address to its record since; a new process of the same name has another
    # pid.
    pids = None if only is None else {record.pid for record in only if process.running(record)}
    for file in _records(folder):
        record = process.read_record(file)
        if pids is not None and (record is None or record.pid not in pids):
            continue
        if record and process.running(record):
            stopping(record.name)
        if process.stop(file) and record:
            ended.append(record.name)
    return ended


def _records(folder: Path) -> list[Path]:
    jobs = sorted((folder / "run").glob("[!.]*.json"), key=lambda file: (_rank(file.stem), file.stem))
    servers = [Broker(folder / "kafka").record, Mongod(folder / "mongo").record]
    return [*jobs, *(file for file in servers if file.exists())]


def _rank(name: str) -> int:
    return _FIRST_TO_END.index(name) if name in _FIRST_TO_END else len(_FIRST_TO_END)


def _check_disk(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    free = shutil.disk_usage(folder).free
    if free < FREE_BYTES:
        raise SegueError(f"only {free // 1_000_000} MB are free on the disk of {folder}: make room for 1 GB")


def _filled_in(settings: Settings, *, bootstrap: str | None, uri: str | None) -> Settings:
    kafka = settings.kafka
    if bootstrap and bootstrap != kafka.bootstrap_servers:
        # Only Segue uses the embedded broker, so it may manage the topics.
        manage = "on" if kafka.manage_topics == "auto" else kafka.manage_topics
        kafka = kafka.model_copy(update={"bootstrap_servers": bootstrap, "manage_topics": manage})
    mongo = settings.mongo.model_copy(update={"uri": uri or settings.mongo.uri})
    return settings.model_copy(update={"kafka": kafka, "mongo": mongo})
