"""The columns of an index bundle, and the version that follows from them.

A new column is a field of :class:`Contents`. The code that computes, writes, loads, checks, hashes and
documents it uses this declaration.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any

import numpy as np

from segue.catalog.tracks import IndexedTrack
from segue.index.backend import Backend
from segue.index.columns import ArrayColumn, Column, OptionalArrayColumn, TableColumn, Values
from segue.index.manifest import BundleError
from segue.index.neighbours import NO_ROW
from segue.index.track_columns import artist_codes, other_artist_codes, song_codes
from segue.index.transition_rules import RuleTable

_UNIT = 1e-3
"""The largest difference between the length of a vector and 1."""
_HASHED = 1
"""Part of every version: changing it rebuilds all bundles. It is not the manifest's format."""
_COLUMN = "column"
_ABSENT = np.empty(0, dtype=np.int32)
"""Marks an optional column that was left out, until it is filled."""


def _unit_rows(file: str, vectors: np.ndarray, _: Values) -> None:
    lengths = np.sqrt(np.einsum("ij,ij->i", vectors, vectors))
    wrong = np.flatnonzero(~(np.abs(lengths - 1) < _UNIT))
    if len(wrong):
        raise BundleError(f"{file}: row {wrong[0]} has the length {lengths[wrong[0]]:g} instead of 1")


def _ascending(file: str, ids: np.ndarray, _: Values) -> None:
    unsorted = np.flatnonzero(ids[1:] <= ids[:-1])
    if len(unsorted) or not ids[0]:
        row = int(unsorted[0]) + 1 if len(unsorted) else 0
        raise BundleError(f"{file}: row {row} ({ids[row]!r}) is not in ascending order")


def _existing_rows(file: str, rows: np.ndarray, among: Values) -> None:
    count = len(among["vectors"])
    if len(rows) and not 0 <= rows.min() <= rows.max() < count:
        raise BundleError(f"{file} names a row that is not one of the {count}")


def _rows_of_items(file: str, rows: np.ndarray, among: Values) -> None:
    known = rows[rows != NO_ROW]
    _existing_rows(file, known, among)
    if len(np.unique(known)) != len(known):
        raise BundleError(f"{file} names a row twice")


def _pairs(file: str, pairs: np.ndarray, among: Values) -> None:
    if pairs.shape[1] != 2 or not len(pairs):
        raise BundleError(f"{file} has the shape {pairs.shape}: it must be (p, 2), p not 0")
    _existing_rows(file, pairs[:, 0], among)
    if (np.diff(pairs[:, 0]) < 0).any() or (pairs[:, 1] < 0).any():
        raise BundleError(f"{file} is not in ascending order of its rows, or has a negative code")


def _absent() -> np.ndarray:
    """The default of an optional array."""
    return _ABSENT


def _array(dtype: str, *shape: str, about: str, **more: Any) -> Mapping[str, Column]:
    return {_COLUMN: ArrayColumn(dtype, shape, about, **more)}


@dataclass(frozen=True, kw_only=True, eq=False)
class Contents:
    """The data of the tracks that can be recommended, by row; not checked until :meth:`check`."""

    vectors: np.ndarray = field(
        metadata=_array(
            "float32",
            "n",
            "d",
            about="unit vectors; the neighbour index identifies a track by its row",
            check=_unit_rows,
        )
    )
    track_ids: np.ndarray = field(
        metadata=_array("bytes", "n", about="track ids as UTF-8, of fixed width, ascending", check=_ascending)
    )
    artists: np.ndarray = field(
        metadata=_array(
            "int32", "n", about="a code for each row's first main artist, -1 unknown", compute=artist_codes
        )
    )
    cold_start: np.ndarray = field(
        metadata=_array(
            "int32", "c", about="rows of the varied selection, in its order", check=_existing_rows
        )
    )
    songs: np.ndarray = field(
        default_factory=_absent,
        metadata=_array(
            "int32",
            "n",
            about="a code for the song that each row is a version of, -1 unknown; older bundles lack it",
            compute=song_codes,
            fill=-1,
        ),
    )
    transition_rules: RuleTable | None = field(
        default=None,
        metadata={
            _COLUMN: TableColumn(
                "following",
                lambda among: len(among["vectors"]),
                about="transition rules from each track",
            )
        },
    )
    artist_tracks: RuleTable | None = field(
        default=None,
        metadata={
            _COLUMN: TableColumn(
                "by_artist",
                lambda among: count_artists(among["artists"], among.get("other_artists")),
                about="tracks of each artist, those with positive signals of most listeners first",
            )
        },
    )
    indexed_rows: np.ndarray | None = field(
        default=None,
        metadata={
            _COLUMN: OptionalArrayColumn(
                "int32",
                ("b",),
                "of an extended index, the row of each item in the backend's file, -1 removed; the rows that "
                "it lacks are searched exactly",
                check=_rows_of_items,
            )
        },
    )
    other_artists: np.ndarray | None = field(
        default=None,
        metadata={
            _COLUMN: OptionalArrayColumn(
                "int32",
                ("p", "q"),
                "(row, code) of each further main artist of a track, by row; left out if every track has one",
                check=_pairs,
                compute=other_artist_codes,
            )
        },
    )
    absent: frozenset[str] = field(init=False, repr=False)
    """Optional columns that were left out: they are neither written nor part of the version."""

    def __post_init__(self) -> None:
        left_out = [name for name in COLUMNS if getattr(self, name) is _ABSENT or getattr(self, name) is None]
        count = self.vectors.shape[0] if self.vectors.ndim else 0
        for name in left_out:
            object.__setattr__(self, name, COLUMNS[name].missing(count))
        object.__setattr__(self, "absent", frozenset(left_out))

    @classmethod
    def of_files(cls, arrays: Mapping[str, np.ndarray]) -> Contents:
        """From the arrays of :func:`files_of`, by file."""
        return Contents(
            **{
                name: column.value([arrays[file] for file in column.files(name)])
                for name, column in COLUMNS.items()
                if column.files(name)[0] in arrays
            }
        )

    def columns(self) -> dict[str, Any]:
        """The present columns, by name."""
        return {name: getattr(self, name) for name in COLUMNS if name not in self.absent}

    def arrays(self) -> dict[str, np.ndarray]:
        """The arrays of all present columns, by file."""
        return {
            file: array
            for name, value in self.columns().items()
            for file, array in zip(COLUMNS[name].files(name), COLUMNS[name].arrays(value), strict=True)
        }

    def check(self) -> None:
        """Check that the contents are consistent.

        Raises
        ------
        BundleError
            There is nothing to index, arrays do not fit each other, vectors are not finite or not of length
            1, ids are not ascending, or rows do not exist.
        """
        if self.vectors.ndim != 2 or 0 in self.vectors.shape:
            raise BundleError(
                f"vectors.npy has the shape {self.vectors.shape}: it must be (n, d), neither of them 0"
            )
        count, dimension = self.vectors.shape
        self.check_shapes(count=count, dimension=dimension)
        values = self.columns()
        for name, value in values.items():
            COLUMNS[name].check_values(name, value, values)

    def check_shapes(self, *, count: int, dimension: int) -> None:
        """Check that the arrays have the declared shapes and dtypes, for `count` rows and `dimension`
        dimensions.

        Raises
        ------
        BundleError
            An array has another shape or dtype.
        """
        for name, value in self.columns().items():
            COLUMNS[name].check_shape(name, value, {"n": count, "d": dimension})


def count_artists(artists: np.ndarray, others: np.ndarray | None) -> int:
    """The number of artist codes: one more than the largest."""
    largest = int(artists.max(initial=-1))
    return max(largest, int(others[:, 1].max(initial=-1))) + 1 if others is not None else largest + 1


COLUMNS: Mapping[str, Column] = {
    column.name: column.metadata[_COLUMN] for column in fields(Contents) if _COLUMN in column.metadata
}
"""The schema: columns by name, in the order in which they are hashed."""


def computed(tracks: Sequence[IndexedTrack]) -> dict[str, Any]:
    """The columns that are computed from the catalogue, by name; `tracks` has an entry for each row."""
    return {
        name: column.compute(tracks)
        for name, column in COLUMNS.items()
        if isinstance(column, ArrayColumn) and column.compute
    }


def files_of(present: Mapping[str, Any]) -> list[str]:
    """The files that a bundle must have, given those that are present: all or none of each column."""
    return [
        file
        for name, column in COLUMNS.items()
        if not column.optional or not present.keys().isdisjoint(column.files(name))
        for file in column.files(name)
    ]


def version_of(contents: Contents, *, space: str, backend: Backend[Any], base: str | None = None) -> str:
    """A hash of contents and settings, 12 hexadecimal digits: the same corpus has the same version.

    An extended index has another version than the complete one; `base` is the version that it extends.
    """
    key = [_HASHED, space, backend.name, *backend.version_key, *([base] if base else [])]
    digest = hashlib.sha256(json.dumps(key).encode())
    for array in contents.arrays().values():
        digest.update(f"{array.dtype.str}{array.shape}".encode())
        digest.update(np.ascontiguousarray(array).data)
    return digest.hexdigest()[:12]
