"""`./run.sh bench NAME [--quick] [--json FILE]`."""

from __future__ import annotations

import importlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from segue.errors import SegueError, one_line_errors

BENCHMARKS = {
    "stream-latency": "how long a play takes until its recommendations are written",
    "stream-throughput": "how fast a backlog of plays is worked off",
    "quality": "how good the recommendations are, on sets of real listening (--data)",
}


def main() -> None:
    listed = "\n\n".join(f"{name}: {what}" for name, what in BENCHMARKS.items())
    app = typer.Typer(add_completion=False)
    app.command(help=f"{bench.__doc__}\n\nBenchmarks:\n\n{listed}")(bench)
    app()


def bench(
    name: Annotated[str, typer.Argument(help="Which one.")],
    quick: Annotated[
        bool, typer.Option("--quick", help="Smaller and shorter: to try it, not to quote it.")
    ] = False,
    json_file: Annotated[
        Path | None, typer.Option("--json", help="Write the figures as one flat object.")
    ] = None,
    data: Annotated[Path | None, typer.Option(help="Folder with the sets that quality reads.")] = None,
) -> None:
    """Run a benchmark and print its figures, each beside its baseline from the same run.

    Example: ./run.sh bench stream-latency --quick --json figures.json
    """
    with one_line_errors():
        if name not in BENCHMARKS:
            raise SegueError(f"there is no benchmark {name}: one of {', '.join(BENCHMARKS)}")
        module = importlib.import_module(f"benchmarks.{name.replace('-', '_')}")
        if (name == "quality") != (data is not None):
            raise SegueError("--data DIR goes with quality, which needs it, and with no other benchmark")
        options = {} if data is None else {"data": data}
        figures: Mapping[str, float | bool] = module.measure(quick=quick, console=Console(), **options)
        _show(figures)
        if json_file is not None:
            json_file.write_text(json.dumps(dict(figures), indent=2) + "\n")


def _show(figures: Mapping[str, float | bool]) -> None:
    table = Table("figure", "value")
    for key, value in figures.items():
        table.add_row(key, f"{value:,.3f}" if isinstance(value, float) else str(value))
    Console().print(table)


if __name__ == "__main__":
    main()
