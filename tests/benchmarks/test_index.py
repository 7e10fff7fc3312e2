"""The benchmark of the index: small, for its figures to make sense."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from segue.benchmarks.catalogue import vectors
from segue.benchmarks.cli import bench
from segue.benchmarks.index import compare, measure, sweep
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
    chosen = load_settings().index.annoy
    assert (figures["trees"], figures["search_k"]) == (chosen.n_trees, chosen.search_k)
    assert figures["annoy_5_20_recall"] < figures["annoy_recall"] <= 1
    assert 0.9 < figures["voyager_recall"] <= 1
    assert 0 < figures["annoy_recall_tastes"] <= 1
    assert all(
        figures[f"{name}_{what}"] > 0
        for name in ("annoy", "voyager")
        for what in ("ms", "build_s", "build_cpu_s", "mb", "memory_mb", "speedup")
    )
    assert plot.read_bytes().startswith(b"\x89PNG")


def test_recall_is_the_share_of_neighbours_found() -> None:
    rows = vectors(200)
    points = sweep({("exact", 0): ExactIndex(rows), ("blind", 1): Blind()}, rows[:20])
    assert {point.curve: point.recall for point in points} == {"exact": 1.0, "blind": 0.0}


@pytest.mark.parametrize(("name", "match"), [("plot.what", "must end in"), ("none/plot.png", "folder")])
def test_a_plot_that_cannot_be_written_is_refused_at_once(tmp_path: Path, name: str, match: str) -> None:
    with pytest.raises(SegueError, match=match):
        measure(quick=True, console=Console(quiet=True), plot=tmp_path / name)


def test_a_benchmark_without_a_plot_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        bench("features", plot=Path("plot.png"))
    assert "features has no option --output" in capsys.readouterr().err
