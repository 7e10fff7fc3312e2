"""Starts, finds and stops the embedded servers, for Kafka and MongoDB without an address in the settings."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from segue.errors import SegueError
from segue.local import process
from segue.local.kafka import Broker
from segue.local.mongod import Mongod
from segue.places import LOCAL
from segue.settings import Settings
from segue.storage.kafka import ensure_topics

FREE_BYTES = 1_000_000_000
"""The free disk space that the servers need to start."""
_FIRST_SHOWN = ("dashboard", "replay")


def up(settings: Settings, *, folder: Path = LOCAL) -> Settings:
    """Start the servers that have no address in the settings; returns the settings with their addresses.

    A broker that it has started gets the topics: pages send plays before the stream runs.

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
    running = _filled_in(settings, bootstrap=addresses.get("kafka"), uri=addresses.get("mongo"))
    if "kafka" in started and running.kafka.manage_topics != "off":
        ensure_topics(running.kafka, running.retention)
    return running


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
    """The recorded processes and whether each is running, jobs before servers."""
    records = [process.read_record(file) for file in _records(folder)]
    return [(record, process.running(record) is not None) for record in records if record]


def waits_for(names: Sequence[str]) -> str:
    """The processes that `down` waits for, as a line for people."""
    reasons = {"stream": "which finishes its micro-batch", "mongo": "which writes to its disk"}
    titles = {"kafka": "Kafka", "mongo": "MongoDB"}
    shown = [
        titles.get(name, f"the {name}") + (f" ({reasons[name]})" if name in reasons else "") for name in names
    ]
    return f"Stopping {', '.join(shown)}"


def down(
    *,
    folder: Path = LOCAL,
    only: Collection[process.Record] | None = None,
    waiting: Callable[[Sequence[str]], None] = lambda names: None,
) -> list[str]:
    """Stop the processes that the records in `folder` name, or `only` some of them.

    The dashboard and the jobs are stopped together, then the servers, which they need until their end.
    `waiting` is called with the names of the processes that still run, whenever there are fewer.

    Returns
    -------
    list
        The names of the processes that were running.
    """
    # A process may have added its address to its record since; a new process of the same name has another
    # pid.
    pids = None if only is None else {record.pid for record in only if process.running(record)}

    def chosen(files: Sequence[Path]) -> list[Path]:
        records = [(file, process.read_record(file)) for file in files]
        return [file for file, record in records if pids is None or (record and record.pid in pids)]

    # A demo that ends stops its servers itself, so that they have ended before their turn.
    records = [process.read_record(file) for file in chosen(_records(folder))]
    ended = [record.name for record in records if record and process.running(record)]
    for files in (_jobs(folder), _servers(folder)):
        process.stop_together(chosen(files), waiting=waiting)
    return ended


def _records(folder: Path) -> list[Path]:
    return [*_jobs(folder), *_servers(folder)]


def _jobs(folder: Path) -> list[Path]:
    return sorted((folder / "run").glob("[!.]*.json"), key=lambda file: (_rank(file.stem), file.stem))


def _servers(folder: Path) -> list[Path]:
    servers = [Broker(folder / "kafka").record, Mongod(folder / "mongo").record]
    return [file for file in servers if file.exists()]


def _rank(name: str) -> int:
    return _FIRST_SHOWN.index(name) if name in _FIRST_SHOWN else len(_FIRST_SHOWN)


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
