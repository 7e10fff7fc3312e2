"""The benchmark of the index: small, for its figures to make sense."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from benchmarks.catalogue import vectors
from benchmarks.index import compare, sweep
from benchmarks.index_plot import draw
from segue.errors import SegueError
from segue.index.exact import ExactIndex
from segue.settings import load_settings


class Blind:
    """Finds nothing."""

    def query(self, vectors: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
        shape = (len(vectors), k)
        return np.full(shape, -1, np.int32), np.full(shape, -np.inf, np.float32)


def test_figures_and_plot(tmp_path: Path) -> None:
    plot = tmp_path / "plot.png"
    figures = compare(
        1500, queries=40, trees=[5], search_k=[20], query_ef=[20], plot=plot, console=Console(quiet=True)
    )
    chosen = load_settings().index
    assert (figures["trees"], figures["search_k"]) == (chosen.trees, chosen.search_k)
    assert figures["annoy_5_20_recall"] < figures["annoy_recall"] <= 1
    assert 0.9 < figures["voyager_recall"] <= 1
    assert 0 < figures["annoy_recall_tastes"] <= 1
    assert all(
        figures[f"{name}_{what}"] > 0
        for name in ("annoy", "voyager")
        for what in ("ms", "build_s", "build_cpu_s", "mb", "memory_mb", "speedup")
    )
    assert plot.read_bytes().startswith(b"\x89PNG")


def test_recall_is_that_of_what_is_found() -> None:
    rows = vectors(200)
    points = sweep({("exact", 0): ExactIndex(rows), ("blind", 1): Blind()}, rows[:20])
    assert {point.curve: point.recall for point in points} == {"exact": 1.0, "blind": 0.0}


def test_a_plot_of_an_unknown_kind_is_refused(tmp_path: Path) -> None:
    rows = vectors(100)
    points = sweep({("exact", 0): ExactIndex(rows), ("blind", 1): Blind()}, rows[:5])
    with pytest.raises(SegueError, match="cannot be written"):
        draw(points, default=points[1], tracks=100, file=tmp_path / "plot.what")
