"""The progress bar of a benchmark."""

from __future__ import annotations

from collections.abc import Iterable

from rich import progress
from rich.console import Console


def track(numbers: range, *, description: str) -> Iterable[int]:
    """Go through numbers with a progress bar on standard error: standard output is for the figures."""
    return progress.track(numbers, description=description, console=Console(stderr=True))
