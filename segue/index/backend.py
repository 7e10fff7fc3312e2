"""The interface of a neighbour backend: its name, its file, and its part of the version of a bundle."""

from __future__ import annotations

from abc import ABC, abstractmethod
from pathlib import Path
from typing import Any, ClassVar, Generic, TypeVar

import numpy as np

from segue.index.neighbours import NeighbourIndex
from segue.settings import BackendSettings

SettingsT = TypeVar("SettingsT", bound=BackendSettings)


class Backend(ABC, Generic[SettingsT]):
    """A kind of neighbour index with its settings; :mod:`segue.index.backends` lists all of them."""

    name: ClassVar[str]
    """Its name in `index.backend`, and that of its section of the settings."""
    settings_type: ClassVar[type[BackendSettings]]
    file: ClassVar[str | None]
    """Its file in a bundle, beside the vectors; None if it needs the vectors only."""
    packages: ClassVar[tuple[str, ...]] = ()
    """Distributions that a process needs to open it; Spark's workers get them."""

    def __init__(self, settings: SettingsT) -> None:
        self.settings = settings

    @property
    def parameters(self) -> dict[str, Any]:
        """The settings under their stored names, for the manifest of a bundle."""
        return self.settings.stored()

    @property
    def version_key(self) -> list[Any]:
        """JSON values that are part of the version of a bundle; by default all settings."""
        return list(self.parameters.values())

    @abstractmethod
    def build(self, vectors: np.ndarray, folder: Path) -> None:
        """Write the backend's file over (n, d) float32 unit rows into a folder.

        Raises
        ------
        OSError
            The file cannot be written.
        """

    @abstractmethod
    def open(self, vectors: np.ndarray, folder: Path, *, items: np.ndarray | None = None) -> NeighbourIndex:
        """Open the backend's file.

        Parameters
        ----------
        vectors
            (n, d) float32 unit rows.
        items
            (b,) int32: the row of each item in the file, -1 for one that is removed. None: the file was built
            from `vectors`, and an item is a row.

        Raises
        ------
        OSError, RuntimeError, ValueError
            The file is missing, unreadable, or not of these vectors.
        """
