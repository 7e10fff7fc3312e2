"""`./run.sh evaluate`: every model and baseline on session logs, as table, JSON and plots."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from segue.errors import SegueError, one_line_errors
from segue.evaluation.next_track import compared, evaluate
from segue.evaluation.plots import write_plots
from segue.figures import can_write, write_figures
from segue.session_logs.datasets import read_sessions
from segue.session_logs.splits import split_by_time
from segue.settings import load_settings

SHOWN = ("hr20", "mrr20", "ndcg20", "coverage20", "gini20", "novelty20", "artist_diversity20", "popularity20")


def evaluate_models(
    data: Annotated[Path, typer.Option(help="Folder with session logs, *.tsv or 30music/*.tsv.")],
    json_file: Annotated[Path | None, typer.Option("--json", help="Write all figures to this file.")] = None,
    plots: Annotated[Path | None, typer.Option(help="Write plots (SVG) into this folder.")] = None,
    models: Annotated[str | None, typer.Option(help="Only these, separated by commas.")] = None,
) -> None:
    """Evaluate the models on session logs: learn from all but the last day, predict its next tracks.

    A log is tab-separated text with a header and the columns UserId, SessionId, ItemId, Time (seconds since
    1970), and ArtistId where it is known; each file is split and evaluated by itself.

    Models whose name begins with "served" make lists as the service does: nothing that was just heard, no
    artist too often.

    Example: ./run.sh evaluate --data ~/logs --json figures.json --plots plots
    """
    with one_line_errors():
        can_write(json_file)
        if plots is not None:
            make_folder(plots)
        known = compared(load_settings())
        wanted = list(known) if models is None else models.split(",")
        if unknown := [name for name in wanted if name not in known]:
            raise SegueError(f"there is no model {unknown[0]}: one of {', '.join(known)}")
        splits = [split_by_time(log) for log in read_sessions(data).values()]
        with Progress(console=Console(stderr=True)) as progress:
            task = progress.add_task("Evaluating", total=len(wanted) * len(splits))
            found = evaluate(
                splits, {name: known[name] for name in wanted}, progress=lambda: progress.advance(task)
            )
        _show(found)
        write_figures(json_file, found)
        if plots is not None:
            write_plots(found, plots)


def make_folder(folder: Path) -> None:
    """Before work that takes long: the folder of the plots.

    Raises
    ------
    SegueError
        It cannot be made.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SegueError(f"--plots {folder}: {error.strerror}") from None


def _show(found: dict[str, dict[str, float]]) -> None:
    table = Table("model", *SHOWN, "hr20, 95 %")
    for name, figures in found.items():
        interval = f"{figures['hr20_low']:.3f} to {figures['hr20_high']:.3f}"
        table.add_row(name, *(f"{figures[key]:.3f}" for key in SHOWN), interval)
    Console().print(table)
