"""The progress bar of a benchmark."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TypeVar

from rich import progress
from rich.console import Console

ItemT = TypeVar("ItemT")


def track(items: Sequence[ItemT], *, description: str) -> Iterable[ItemT]:
    """Go through items with a progress bar on standard error: standard output is for the figures."""
    return progress.track(items, description=description, console=Console(stderr=True))
