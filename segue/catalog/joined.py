"""Keys that are known to stand for the same thing."""

from __future__ import annotations


class Joined:
    """A union-find structure over texts; of the joined keys, the first in order stands for all."""

    def __init__(self) -> None:
        self._parent: dict[str, str] = {}

    def first(self, key: str) -> str:
        """The key that stands for a key and all that are joined with it."""
        while (parent := self._parent.get(key, key)) != key:
            key = parent
        return key

    def join(self, one: str, other: str) -> None:
        """Treat two keys as one."""
        first, second = sorted((self.first(one), self.first(other)))
        if first != second:
            self._parent[second] = first
