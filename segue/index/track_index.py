"""The tracks that can be recommended: their columns, by row, and the search for neighbours."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from segue.index.contents import Contents
from segue.index.exact import ExactIndex
from segue.index.neighbours import NO_ROW, NeighbourIndex
from segue.index.track_ids import decode_ids, find_ids


@dataclass(frozen=True, kw_only=True, eq=False)
class TrackIndex(Contents):
    """The columns of :class:`segue.index.contents.Contents` with the search for neighbours.

    The service reads them from a published bundle (:class:`segue.index.bundle.Bundle`); the evaluation and
    tests build them in memory.
    """

    version: str
    space: str
    """The version of the embedding space that the vectors are in."""
    neighbours: NeighbourIndex
    hidden: np.ndarray | None = None
    """(n,) bool: the rows that this view of an index leaves out (:mod:`segue.index.visible`)."""

    @classmethod
    def in_memory(
        cls, contents: Contents, *, version: str = "in-memory", neighbours: NeighbourIndex | None = None
    ) -> TrackIndex:
        """An index over contents in memory, searched exactly unless `neighbours` are given.

        Raises
        ------
        BundleError
            The contents are inconsistent.
        """
        contents.check()
        return TrackIndex(
            **contents.columns(),
            version=version,
            space=version,
            neighbours=neighbours or ExactIndex(contents.vectors),
        )

    @cached_property
    def others_by_row(self) -> dict[int, tuple[int, ...]]:
        """The codes of the main artists after the first, by row; only rows that have several."""
        found: dict[int, tuple[int, ...]] = {}
        for row, code in [] if self.other_artists is None else self.other_artists.tolist():
            found[row] = (*found.get(row, ()), code)
        return found

    def artists_of(self, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The known main artists of rows, flat: (m,) indices into `rows`, and their codes."""
        first = np.asarray(self.artists[rows])
        places = np.flatnonzero(first >= 0)
        if self.other_artists is None:
            return places, first[places]
        keys, codes = self.other_artists.T
        begin, end = np.searchsorted(keys, rows, "left"), np.searchsorted(keys, rows, "right")
        counts = end - begin
        entries = np.arange(counts.sum()) + np.repeat(begin - np.cumsum(counts) + counts, counts)
        further = np.repeat(np.arange(len(rows)), counts)
        return np.concatenate([places, further]), np.concatenate([first[places], codes[entries]])

    def rows(self, ids: Sequence[str] | np.ndarray) -> np.ndarray:
        """(m,) int64: the row of each track id (text or numpy bytes), -1 for an unknown or hidden track."""
        rows = find_ids(ids, among=self.track_ids)
        return rows if self.hidden is None else np.where(self.hidden[rows], NO_ROW, rows)

    def ids(self, rows: Sequence[int] | np.ndarray) -> list[str]:
        """The track id of each row.

        Raises
        ------
        IndexError
            A row does not exist, or is -1.
        """
        wanted = np.asarray(rows, dtype=np.int64)
        if wanted.size and not 0 <= wanted.min() <= wanted.max() < len(self.track_ids):
            raise IndexError(
                f"rows {wanted.min()} to {wanted.max()}: the bundle has 0 to {len(self.track_ids) - 1}"
            )
        return decode_ids(self.track_ids[wanted])
