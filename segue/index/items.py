"""The items of a backend's file, and the rows of the bundle that they are now.

A forest or a graph cannot be extended in place. A bundle with a few more tracks keeps the file of an earlier
one: this map renumbers its items.
"""

from __future__ import annotations

import numpy as np

from segue.index.neighbours import NO_ROW


class Items:
    """The map from items to rows; without one, an item is a row."""

    def __init__(self, rows_by_item: np.ndarray | None, *, rows: int) -> None:
        """`rows_by_item` is (b,) int32, -1 for a removed item; `rows` is the number of rows."""
        self._map = rows_by_item
        self._count = rows if rows_by_item is None else len(rows_by_item)
        self._removed = 0 if rows_by_item is None else int((rows_by_item == NO_ROW).sum())

    def check(self, count: int) -> None:
        """Check that the file has the expected number of items.

        Raises
        ------
        ValueError
            It has another number.
        """
        if count != self._count:
            raise ValueError(f"it holds {count} rows instead of {self._count}")

    def to_ask_for(self, k: int) -> int:
        """The number of nearest items among which are k rows, if there are as many."""
        return k + self._removed

    def rows_of(self, items: np.ndarray) -> np.ndarray:
        """The rows of items, -1 for a removed item and for -1; the same shape, int32."""
        if self._map is None:
            return items
        rows: np.ndarray = np.where(items == NO_ROW, np.int32(NO_ROW), self._map[items])
        return rows
