"""`./run.sh up`, `down` and `status`: the embedded Kafka and MongoDB, and Segue's other processes."""

from __future__ import annotations

from collections.abc import Sequence

import psutil
import typer
from rich.console import Console
from rich.table import Table

from segue.errors import SegueError, one_line_errors
from segue.figures import JsonFile, can_write, on_stdout, write_figures
from segue.figures import console as results
from segue.local import jars, stack
from segue.local.java import java_home
from segue.local.process import Record, running
from segue.local.spark_pages import ensure_filter
from segue.operations.health import Health, ask
from segue.operations.library_status import LibraryStatus
from segue.places import PROGRAM, ROOT
from segue.settings import load_settings
from segue.storage.mongo import shown
from segue.storage.store import open_store
from segue.storage.topic_faults import known_faults

progress = Console(stderr=True)
_STATES = {"healthy": "runs", "starting": "starts", "degraded": "runs in part", "unhealthy": "unhealthy"}

_STARTED_BY = {
    "kafka": "up",
    "mongo": "up",
    "stream": "stream run",
    "dashboard": "dashboard serve",
    "library": "library watch",
    "demo": "demo",
}


def up() -> None:
    """Start the embedded Kafka and MongoDB, unless your settings name other servers.

    A running server keeps running. The data of earlier runs are kept. The second example starts MongoDB only.

    Example: ./run.sh up

    Example: SEGUE_KAFKA__BOOTSTRAP_SERVERS=host:9092 ./run.sh up
    """
    settings = load_settings()
    fetch_jars()
    with progress.status("Starting Kafka and MongoDB"):
        running = stack.up(settings)
    typer.echo(f"Kafka    {running.kafka.bootstrap_servers}{_whose(settings.kafka.bootstrap_servers)}")
    typer.echo(f"MongoDB  {shown(running.mongo.uri)}{_whose(settings.mongo.uri)}")
    for fault in known_faults(running):
        typer.echo(f"warning: {fault.line}", err=True)


def down() -> None:
    """Stop everything that Segue started on this machine: dashboard, stream, Kafka, MongoDB. The data stay.

    The dashboard and the jobs are stopped first, all at the same time, then the servers. The stream finishes
    the micro-batch in progress. A process that does not end within 30 seconds is killed; nothing is lost. The
    second example stops the processes whose data are in another folder.

    Example: ./run.sh down

    Example: SEGUE_HOME=/var/lib/segue ./run.sh down
    """
    with progress.status("Stopping") as status:
        ended = stack.down(waiting=lambda names: status.update(stack.waits_for(names)))
    typer.echo(f"stopped: {', '.join(ended)}" if ended else "nothing was running")


def status(
    json_file: JsonFile = None,
) -> None:
    """Show the processes that Segue started on this machine, with their health, addresses and logs.

    A process that hangs is reported with the part that hangs, and since when.

    Example: ./run.sh status

    Example: ./run.sh status --json -
    """
    with one_line_errors():
        can_write(json_file)
        records = stack.status()
        ended = Health("unhealthy", ("ended by itself",))
        healths = [_health(record) if runs else ended for record, runs in records]
        write_figures(
            json_file,
            [
                {**record.model_dump(), "running": runs, "state": health.status, "problems": health.problems}
                for (record, runs), health in zip(records, healths, strict=True)
            ],
        )
        if not on_stdout(json_file):
            _show(records, healths)


def _health(record: Record) -> Health:
    """The health of a running process: its report, or that it is suspended."""
    process = running(record)
    if process is not None and process.status() == psutil.STATUS_STOPPED:
        return Health("unhealthy", (f"suspended by a signal: kill -CONT {record.pid} continues it",))
    return ask(record.health) if record.health else Health("healthy")


def _show(records: Sequence[tuple[Record, bool]], healths: Sequence[Health]) -> None:
    if not records:
        typer.echo(f"nothing is running: {PROGRAM} up starts Kafka and MongoDB, {PROGRAM} demo starts all")
        return
    table = Table("process", "state", "address", "pid", "log", box=None, pad_edge=False)
    for (record, runs), health in zip(records, healths, strict=True):
        log = record.log.removeprefix(f"{ROOT}/")
        state = _STATES[health.status]
        table.add_row(record.name, state if runs else "ended by itself", record.address, str(record.pid), log)
    results().print(table)
    demo = any(record.name == "demo" for record, _ in records)
    for (record, runs), health in zip(records, healths, strict=True):
        if not runs:
            typer.echo(f"{record.name}: {_how_to_start(record, demo=demo)}")
        elif health.status in ("degraded", "unhealthy"):
            typer.echo(f"{record.name}: {'; '.join(health.problems)}")
    if any(record.name == "library" and runs for record, runs in records):
        typer.echo(f"library: {_upkeep()}")


def _upkeep() -> str:
    """The present and the last pass of the library's watch in words."""
    try:
        return LibraryStatus(open_store(stack.connected(load_settings(), kafka=False))).words()
    except SegueError as error:
        return str(error)


def _how_to_start(record: Record, *, demo: bool) -> str:
    """How to start an ended process again; the jobs of a demo belong to the command `demo`."""
    reason = "the end of its log gives the reason; " if record.log else ""
    own = _STARTED_BY.get(record.name)
    command = "demo" if demo and own and own != "up" else own
    return f"{reason}{f'{PROGRAM} {command}' if command else 'its command'} starts it again"


def prepare() -> None:
    """Fetch the jars, compile the filter of Spark's pages, find a Java and print its home, for run.sh."""
    with one_line_errors():
        home = java_home(passed_over=lambda reason: typer.echo(f"segue: not used: {reason}", err=True))
        fetch_jars()
        ensure_filter()
        typer.echo(home)


def fetch_jars() -> None:
    """Fetch missing jars, with a message on the terminal."""
    if not jars.jars_ready():
        with progress.status("Fetching the jars of Spark's Kafka source and of Kafka (once, about a minute)"):
            jars.ensure_jars()


def _whose(address: str) -> str:
    return "  (from your settings)" if address else ""
