"""The progress bar of a job."""

from __future__ import annotations

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, TextColumn


def counting(time: ProgressColumn, *, disable: bool) -> Progress:
    """A progress bar on standard error with a description, counts and a time. It disappears at the end."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), time)
    return Progress(*columns, console=Console(stderr=True), disable=disable, transient=True)
