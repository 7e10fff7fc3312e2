"""The bar that a job shows while it works."""

from __future__ import annotations

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, TextColumn


def counting(time: ProgressColumn, *, disable: bool, console: Console | None = None) -> Progress:
    """What is being done, a bar, how many of how many, and a time; it is gone at the end."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), time)
    return Progress(*columns, console=console, disable=disable, transient=True)
