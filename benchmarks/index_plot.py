"""Plots recall against the processor time of a query, with a curve for each index."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullLocator, StrMethodFormatter

from segue.errors import SegueError

K = 20
"""The number of neighbours of a query."""
REACHED = 0.97
"""The minimum recall of a default search breadth."""
COLOURS = ("#9ecae1", "#4292c6", "#08519c", "#d95f02")


@dataclass(frozen=True)
class Point:
    """The recall and the cost of a query for an index with a search breadth."""

    curve: str
    breadth: int
    """Annoy's search_k, Voyager's query_ef."""
    recall: float
    ms: float
    cpu_ms: float
    """The processor time of a query, in milliseconds."""


def check_kind(file: Path) -> None:
    """Reject, before the measurement, a file that :func:`draw` could not write.

    Raises
    ------
    SegueError
        The suffix is not a supported format, or the folder is missing.
    """
    kinds = Figure().canvas.get_supported_filetypes()
    if file.suffix.removeprefix(".").lower() not in kinds:
        raise SegueError(f"the plot {file} must end in one of {', '.join(sorted(kinds))}")
    if not file.absolute().parent.is_dir():
        raise SegueError(f"the plot {file} cannot be written: create its folder first")


def draw(points: Sequence[Point], *, default: Point, tracks: int, file: Path) -> None:
    """Write the plot in the format of the file's suffix (png, svg, pdf).

    Raises
    ------
    SegueError
        The file cannot be written.
    """
    check_kind(file)
    figure = Figure(figsize=(8, 5), layout="constrained")
    axes = figure.subplots()
    curves = list(dict.fromkeys(point.curve for point in points if point.breadth))
    for place, name in enumerate(curves):
        curve = [point for point in points if point.curve == name]
        colour = COLOURS[min(place, len(COLOURS) - 1)] if name != "Voyager" else COLOURS[-1]
        axes.plot([p.cpu_ms for p in curve], [p.recall for p in curve], "o-", ms=4, color=colour, label=name)
        for point, below in ((curve[0], 11), (curve[-1], 11 * (place + 1))):
            axes.annotate(
                f"{point.breadth:,}",
                (point.cpu_ms, point.recall),
                xytext=(4, -below),
                textcoords="offset points",
                fontsize=7,
                color=colour,
            )
    exact = next(point for point in points if point.curve == "exact")
    axes.axvline(exact.cpu_ms, color="black", lw=1, label=f"exact search, {exact.cpu_ms:.2f} ms")
    axes.axvline(exact.cpu_ms / 3, color="black", lw=1, ls=":", label="a third of it")
    axes.axhline(REACHED, color="grey", lw=1, ls="--", label=f"recall {REACHED:.2f}")
    axes.plot(
        default.cpu_ms,
        default.recall,
        "*",
        ms=14,
        color="black",
        label=f"the settings: search_k {default.breadth:,}",
    )
    axes.set_xscale("log")
    axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
    axes.set(
        xlabel="processor time of one query, milliseconds (median, one thread)",
        ylabel=f"recall@{K}",
        title=f"{tracks:,} tracks, 64 dimensions; numbers beside the ends: search_k, query_ef",
    )
    axes.title.set_fontsize(10)
    axes.grid(alpha=0.25)
    axes.legend(fontsize=8, loc="lower right")
    try:
        figure.savefig(file, dpi=150)
    except OSError as error:
        raise SegueError(f"the plot {file} cannot be written: {error.strerror or error}") from error
