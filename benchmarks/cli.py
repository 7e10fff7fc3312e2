"""`./run.sh bench NAME [--quick] [--json FILE] [--output FILE]`."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from segue.errors import SegueError, one_line_errors
from segue.figures import JsonFile, can_write, write_figures
from segue.figures import console as results
from segue.processes import ended_by_sigterm

BENCHMARKS = {
    "stream-latency": "time from a play to its recommendations",
    "stream-throughput": "plays per second from a backlog",
    "soak": "growth of state and memory, effect of a flood; with --chaos: losses in an hour of faults",
    "year": "a minute of counting after months of 100,000 listeners, compared with adding up all windows",
    "state": "the state of a million listeners in the heap and in RocksDB",
    "flood": "time from a play to its recommendations during a flood of malformed records",
    "history-import": "a million imported plays, and other recommendations during the import",
    "capacity": "costs of an event, a listener's update and a query, and their growth",
    "sizing": "needs of a service of a given size, from the figures of capacity",
    "incremental": "cost of 100 new tracks in a catalogue of FMA's size",
    "ingest": "files ingested per second, compared with mutagen alone, and the time of a run without changes",
    "lists": "time of a page of all artists, all albums, and of an album's tracks",
    "search": "time of a search with and without typos, compared with regular expressions in MongoDB",
    "player-streams": "speed of the pages while 50 listeners hear lossless sound",
    "player-page": "time and size of the first page on a slow connection, and memory over 300 songs",
    "music-apps": "the OpenSubsonic API with 200 clients, compared with supysonic (--peer)",
    "parsers": "processor time for a megabyte that visitors send, compared with finding its lines",
    "transcoding": "recordings converted in real time, by format",
    "planning": "time that session knowledge adds to a plan",
    "index": "recall against the time of a query, for Annoy, Voyager and exact search",
    "features": "tracks described per second, compared with plain librosa",
    "moods": "accuracy of moods on composed tracks of known tempo, key and style",
    "storage": "time to write embeddings to MongoDB and to read them, by several clients",
    "pipeline": "time and memory of each step from descriptors to a published bundle",
    "quality": "quality of the recommendations on real listening data (--data)",
}


def bench(  # noqa: PLR0913  # one parameter for each option of the command
    name: Annotated[str, typer.Argument(help="The benchmark, from the list above.")],
    *,
    quick: Annotated[
        bool, typer.Option("--quick", help="A smaller, shorter run to try it. Do not quote its figures.")
    ] = False,
    json_file: JsonFile = None,
    plot: Annotated[
        Path | None,
        typer.Option(
            "--output", help="Draw the figures into this file (png or svg). For index and capacity."
        ),
    ] = None,
    tracks: Annotated[
        int | None,
        typer.Option(
            "--tracks", min=100, help="Tracks in the catalogue. For index, storage, pipeline and sizing."
        ),
    ] = None,
    listeners: Annotated[
        int | None,
        typer.Option(min=1, help="Listeners of the service, or in the state. For sizing and state."),
    ] = None,
    figures_file: Annotated[
        Path | None, typer.Option("--figures", help="The JSON file of capacity. For sizing.")
    ] = None,
    chaos: Annotated[
        bool,
        typer.Option("--chaos", help="Kills, pauses, full disks, floods and elections. For soak."),
    ] = False,
    minutes: Annotated[float | None, typer.Option(min=1, help="Length of the run. For soak.")] = None,
    seed: Annotated[
        int | None, typer.Option(min=0, help="Repeat the faults of an earlier run. For soak --chaos.")
    ] = None,
    peer_folder: Annotated[
        Path | None,
        typer.Option("--peer", help="A virtual environment with supysonic and gunicorn. For music-apps."),
    ] = None,
    data: Annotated[
        Path | None, typer.Option(help="A folder with data sets of real listening. For quality.")
    ] = None,
    part: Annotated[
        str | None, typer.Option(help="One data set, or `memory` for the long memory. For quality.")
    ] = None,
) -> None:
    """Run a benchmark and print its figures, each with its baseline from the same run.

    Example: ./run.sh bench stream-latency --quick --json figures.json

    Example: ./run.sh bench soak --chaos --minutes 20 --json chaos.json

    Example: ./run.sh bench index --tracks 10000 --output index.png
    """
    # SIGTERM, too, ends the blocks that stop the processes of a run and remove its data.
    with one_line_errors(), ended_by_sigterm():
        can_write(json_file)
        if name not in BENCHMARKS:
            raise SegueError(f"there is no benchmark {name}: one of {', '.join(BENCHMARKS)}")
        module = importlib.import_module(f"segue.benchmarks.{name.replace('-', '_')}")
        options: dict[str, Any] = {"console": Console(stderr=True)}
        flags = {"plot": "--output", "peer_folder": "--peer"}
        parameters = inspect.signature(module.measure).parameters
        given = {
            "plot": plot,
            "tracks": tracks,
            "data": data,
            "part": part,
            "peer_folder": peer_folder,
            "listeners": listeners,
            "figures": figures_file,
            "chaos": chaos or None,
            "minutes": minutes,
            "seed": seed,
        }
        for option, value in ({"quick": quick or None} | given).items():
            if value is not None and option not in parameters:
                raise SegueError(f"{name} has no option {flags.get(option, f'--{option}')}: leave it out")
            if value is not None:
                options[option] = value
        if "quick" in parameters:
            options["quick"] = quick
        if "data" in parameters and data is None:
            raise SegueError(f"{name} needs the folder with its data sets: add --data DIR")
        for option, parameter in parameters.items():
            if parameter.default is parameter.empty and option not in options:
                raise SegueError(f"{name} needs --{option}: see ./run.sh bench --help")
        figures: Mapping[str, float | bool] = module.measure(**options)
        _show(figures, json_file)
        write_figures(json_file, figures)
        if fault := getattr(module, "fault", lambda figures: "")(figures):
            raise SegueError(f"{name}: {fault}")


_LISTED = "\n\n".join(f"{name}: {text}" for name, text in BENCHMARKS.items())
bench.__doc__ = f"{inspect.cleandoc(bench.__doc__ or '')}\n\nBenchmarks:\n\n{_LISTED}"


def _show(figures: Mapping[str, float | bool], json_file: Path | None) -> None:
    table = Table("figure", "value")
    for key, value in figures.items():
        table.add_row(key, f"{value:,.3f}" if isinstance(value, float) else str(value))
    results(json_file).print(table)
