"""Splits an iterable into lists."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import TypeVar

Item = TypeVar("Item")


def batches(items: Iterable[Item], size: int) -> Iterator[list[Item]]:
    """The items in lists of `size`; the last may be shorter. As `itertools.batched` of Python 3.12."""
    source = iter(items)
    while batch := list(islice(source, size)):
        yield batch
