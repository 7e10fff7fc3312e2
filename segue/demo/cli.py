"""`./run.sh demo`: all steps from audio files to recommendations, on a composed library or on your own."""

from __future__ import annotations

import contextlib
import os
import signal
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from segue.catalog.scan import FORMATS
from segue.confirmation import Yes, confirm
from segue.demo.place import demo_name
from segue.demo.removal import DemoData
from segue.demo.stages import Demo
from segue.demo.summary import DemoSummary
from segue.errors import SegueError, one_line_errors
from segue.figures import JsonFile, can_write, write_figures
from segue.figures import console as results
from segue.local.process import registered
from segue.places import PROGRAM
from segue.processes import ended_by_sigterm
from segue.settings import load_settings


def demo(
    library: Annotated[
        Path | None,
        typer.Option(help=f"A folder of music, with subfolders. Formats: {FORMATS}."),
    ] = None,
    check: Annotated[
        bool,
        typer.Option(
            "--check", help="Do not start the dashboard; the exit status is 0 if all steps succeed."
        ),
    ] = False,
    host: Annotated[
        str | None,
        typer.Option(help="The dashboard's address; any but a loopback address requires log-in."),
    ] = None,
    json_file: JsonFile = None,
    listeners_tracks: Annotated[
        int, typer.Option("--tracks-per-listener", min=4, help="Tracks that each simulated listener plays.")
    ] = 15,
    rate: Annotated[float, typer.Option(min=1.0, help="Events per second.")] = 20.0,
) -> None:
    """Run Segue from end to end: servers, library, features, index, stream, simulated listeners, dashboard.

    Without --library, the demo composes a small library. A second start skips the steps that are done.
    Ctrl-C, SIGTERM or ./run.sh down stops everything that the demo started. The data stay.
    ./run.sh data remove-demo removes them.

    Example: ./run.sh demo

    Example: ./run.sh demo --library ~/Music

    Example: ./run.sh demo --host 0.0.0.0

    Example: ./run.sh demo --check --json summary.json
    """
    console = Console(stderr=True)
    with one_line_errors():
        can_write(json_file)
        if library is not None and not library.is_dir():
            raise SegueError(f"--library {library}: there is no such folder")
        if host is not None:
            # The dashboard's process reads the same variables.
            os.environ["SEGUE_DASHBOARD__HOST"] = host
        run = Demo(load_settings(), name=demo_name(library), library=library, console=console)
        with ended_by_sigterm(), registered("demo"), contextlib.ExitStack() as stack:
            stack.callback(run.down)
            stack.push(_report_sigterm)
            run.prepare()
            run.start_stream()
            if not check:
                run.start_dashboard()
                run.start_watch()
            summary = run.replay(tracks=listeners_tracks, per_second=rate)
            _report(summary, json_file)
            if not check:
                run.stay()
            elif summary.faults:
                raise SegueError("; ".join(summary.faults))


def remove(
    library: Annotated[
        Path | None, typer.Option(help="The folder of music of `demo --library`; not the composed library.")
    ] = None,
    yes: Yes = False,
) -> None:
    """Remove the data of the demo: its database, topics, index and checkpoint, and the composed library.

    The folder of --library and all other data stay. The embedded servers are started if they are not running,
    and then stopped again.

    Example: ./run.sh data remove-demo

    Example: ./run.sh data remove-demo --library ~/Music --yes
    """
    with one_line_errors():
        removal = DemoData(load_settings(), library=library)
        for line in removal.lines():
            typer.echo(line, err=True)
        confirm("Remove these data of the demo?", yes=yes)
        removal.remove()
        typer.echo(f"removed: the data of {removal.name}")


def _report_sigterm(kind: type[BaseException] | None, error: BaseException | None, _: object) -> None:
    if isinstance(error, SystemExit) and error.code == 128 + signal.SIGTERM:
        typer.echo(f"segue: the demo and its services are stopped, by {PROGRAM} down or a signal", err=True)


def _report(summary: DemoSummary, json_file: Path | None) -> None:
    console = results(json_file)
    console.print(summary.table())
    for fault in summary.faults:
        console.print(f"problem: {fault}", style="red")
    write_figures(json_file, summary.figures())
