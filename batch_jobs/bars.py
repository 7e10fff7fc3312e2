"""The progress bar of a job."""

from __future__ import annotations

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, TextColumn


def counting(time: ProgressColumn, *, disable: bool, console: Console | None = None) -> Progress:
    """A progress bar with description, counts and a time; it disappears at the end."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), time)
    return Progress(*columns, console=console, disable=disable, transient=True)
