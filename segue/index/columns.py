"""Kinds of columns of a bundle: their files, their checks, and their values where files are missing.

The columns themselves are declared once, as fields of :class:`segue.index.contents.Contents`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from segue.catalog.tracks import IndexedTrack
from segue.index.manifest import BundleError
from segue.index.transition_rules import RuleTable

Values = Mapping[str, Any]
"""The present columns of a bundle, by name."""


class Column(ABC):
    """A value for each track, artist or rank: one or more arrays, each in a separate file."""

    @property
    @abstractmethod
    def optional(self) -> bool:
        """Whether a bundle may lack it, as those of older releases do."""

    @abstractmethod
    def files(self, name: str) -> tuple[str, ...]:
        """The files of the column of this name; a bundle has all of them or none."""

    @abstractmethod
    def arrays(self, value: Any) -> tuple[np.ndarray, ...]:
        """The arrays of a value, in the order of the files."""

    @abstractmethod
    def value(self, arrays: Sequence[np.ndarray]) -> Any:
        """The inverse of :meth:`arrays`."""

    @abstractmethod
    def missing(self, count: int) -> Any:
        """The value of an optional column in a bundle of `count` rows that lacks it."""

    @abstractmethod
    def check_shape(self, name: str, value: Any, sizes: Mapping[str, int]) -> None:
        """Compare shapes and dtypes with the declaration; `sizes` gives the letters' values.

        Raises
        ------
        BundleError
            They differ.
        """

    @abstractmethod
    def check_values(self, name: str, value: Any, among: Values) -> None:
        """Check every value; `among` has all columns of the bundle.

        Raises
        ------
        BundleError
            A value is invalid.
        """

    @property
    @abstractmethod
    def description(self) -> str:
        """Shape, dtype and meaning, for the table in the documentation."""


@dataclass(frozen=True)
class ArrayColumn(Column):
    """One array."""

    dtype: str
    """numpy's name of the dtype; "bytes" for texts as bytes of any width."""
    shape: tuple[str, ...]
    """A letter for each dimension: n rows, d dimensions; any other may have any size."""
    about: str
    check: Callable[[str, np.ndarray, Values], None] | None = None
    """Called with the file's name, the array, and all columns of the bundle; raises `BundleError`."""
    compute: Callable[[Sequence[IndexedTrack]], np.ndarray | None] | None = None
    """Computes it from the catalogue's tracks, one value for each row, when a bundle is built; None for a
    column from elsewhere. The result None leaves an optional column out."""
    fill: int | None = None
    """Makes the column optional: the value of all rows in a bundle that lacks it."""

    @property
    def optional(self) -> bool:
        return self.fill is not None

    def files(self, name: str) -> tuple[str, ...]:
        return (f"{name}.npy",)

    def arrays(self, value: np.ndarray) -> tuple[np.ndarray, ...]:
        return (value,)

    def value(self, arrays: Sequence[np.ndarray]) -> np.ndarray:
        [array] = arrays
        return array

    def missing(self, count: int) -> np.ndarray:
        return np.full(count, self.fill, dtype=self.dtype)

    def check_shape(self, name: str, value: np.ndarray, sizes: Mapping[str, int]) -> None:
        file = f"{name}.npy"
        fits = value.ndim == len(self.shape) and all(
            sizes.get(letter, size) == size for letter, size in zip(self.shape, value.shape, strict=True)
        )
        expected = _tuple([str(sizes.get(letter, letter)) for letter in self.shape])
        if not fits:
            raise BundleError(f"{file} has the shape {value.shape} instead of {expected}")
        if value.dtype.kind != "S" if self.dtype == "bytes" else value.dtype != np.dtype(self.dtype):
            raise BundleError(
                f"{file} is {value.shape} of {value.dtype}: it must be {expected} of {self.dtype}"
            )

    def check_values(self, name: str, value: np.ndarray, among: Values) -> None:
        if self.check is not None:
            self.check(f"{name}.npy", value, among)

    @property
    def description(self) -> str:
        return f"{_tuple(self.shape)} {self.dtype}: {self.about}"


@dataclass(frozen=True)
class OptionalArrayColumn(ArrayColumn):
    """One array, or None."""

    @property
    def optional(self) -> bool:
        return True

    def missing(self, count: int) -> Any:
        return None

    def check_shape(self, name: str, value: np.ndarray | None, sizes: Mapping[str, int]) -> None:
        if value is not None:
            super().check_shape(name, value, sizes)

    def check_values(self, name: str, value: np.ndarray | None, among: Values) -> None:
        if value is not None:
            super().check_values(name, value, among)


@dataclass(frozen=True)
class TableColumn(Column):
    """A sparse table from keys to rows (:class:`segue.index.transition_rules.RuleTable`), or None."""

    stem: str
    """The beginning of its file names."""
    keys: Callable[[Values], int]
    """The number of keys."""
    about: str

    @property
    def optional(self) -> bool:
        return True

    def files(self, name: str) -> tuple[str, ...]:
        return RuleTable.files(self.stem)

    def arrays(self, value: RuleTable) -> tuple[np.ndarray, ...]:
        return (value.bounds, value.rows, value.scores)

    def value(self, arrays: Sequence[np.ndarray]) -> RuleTable:
        return RuleTable(*arrays)

    def missing(self, count: int) -> None:
        return None

    def check_shape(self, name: str, value: RuleTable | None, sizes: Mapping[str, int]) -> None:
        """Its shapes follow from its values: :meth:`check_values` compares them."""

    def check_values(self, name: str, value: RuleTable | None, among: Values) -> None:
        if value is not None:
            value.check(len(among["vectors"]), keys=self.keys(among), stem=self.stem)

    @property
    def description(self) -> str:
        return (
            f"{self.about}, as sparse rows: (keys + 1,) int64, (m,) int32 rows, (m,) float32 in (0, 1], "
            "best first"
        )


def _tuple(parts: Sequence[str]) -> str:
    return f"({', '.join(parts)}{',' if len(parts) == 1 else ''})"
