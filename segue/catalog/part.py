"""The first results of a query, with the number of all."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeVar

_T = TypeVar("_T")
_U = TypeVar("_U")


class Part(list[_T]):
    """A list that may have been cut; :attr:`total` counts all entries before the cut."""

    def __init__(self, items: Iterable[_T] = (), *, total: int | None = None) -> None:
        """By default nothing was cut."""
        super().__init__(items)
        self.total = len(self) if total is None else max(total, len(self))

    @property
    def rest(self) -> int:
        """The number of results that were cut off."""
        return self.total - len(self)

    def each(self, change: Callable[[_T], _U]) -> Part[_U]:
        """The same part with each element changed."""
        return Part(map(change, self), total=self.total)
