"""The part of an index bundle (:class:`segue.index.bundle.Bundle`) that ranking needs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np

from segue.index.following import Following


class Neighbours(Protocol):
    def query(self, vectors: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]: ...


class Catalogue(Protocol):
    @property
    def version(self) -> str: ...
    @property
    def vectors(self) -> np.ndarray: ...
    @property
    def artists(self) -> np.ndarray: ...
    @property
    def songs(self) -> np.ndarray: ...
    @property
    def cold_start(self) -> np.ndarray: ...
    @property
    def neighbours(self) -> Neighbours: ...
    def rows(self, ids: Sequence[str]) -> np.ndarray: ...
    def ids(self, rows: Sequence[int]) -> list[str]: ...


class Knowledge(Catalogue, Protocol):
    @property
    def following(self) -> Following | None: ...
    @property
    def by_artist(self) -> Following | None: ...
