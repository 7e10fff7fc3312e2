"""The servers that the settings leave to Segue: start, find and end the embedded Kafka and MongoDB."""

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
"""What a disk must have left before servers write to it."""
_FIRST_TO_END = ("dashboard", "replay")


def up(settings: Settings, *, folder: Path = LOCAL) -> Settings:
    """Start what the settings do not name, and give the settings with its addresses filled in.

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
    """The settings with the addresses of the embedded servers that run now, where they name no others.

    `kafka=False` is for what works with MongoDB alone.

    Raises
    ------
    SegueError
        One that is needed does not run.
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
    """What was started and not ended by `down`, in the order in which `down` ends it, and whether it runs."""
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
    # A process that has told its address since is the same, and another one under its name is not.
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
        # The topics of the embedded broker are Segue's own.
        manage = "on" if kafka.manage_topics == "auto" else kafka.manage_topics
        kafka = kafka.model_copy(update={"bootstrap_servers": bootstrap, "manage_topics": manage})
    mongo = settings.mongo.model_copy(update={"uri": uri or settings.mongo.uri})
    return settings.model_copy(update={"kafka": kafka, "mongo": mongo})
