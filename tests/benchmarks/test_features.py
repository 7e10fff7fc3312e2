"""The benchmark of the features: small, for its figures to make sense."""

from __future__ import annotations

from pathlib import Path

import pytest
from rich.console import Console

from segue.benchmarks.feature_workers import describe_batch
from segue.benchmarks.features import compare
from segue.errors import SegueError
from segue.settings import load_settings
from tests.compiled_code import copied


def test_figures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # numba does not lock its cache, and other tests end processes that write to it.
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(copied(tmp_path / "compiled")))
    figures = compare(clips=1, seconds=4.0, rounds=1, console=Console(quiet=True))
    assert figures["tracks"] == 1
    assert figures["largest_difference"] < 2e-4
    assert figures["ratio_per_core_cpu"] == pytest.approx(
        figures["plain_cpu_ms_per_track"] / figures["cpu_ms_per_track"]
    )
    assert all(value > 0 for value in figures.values())


def test_a_file_that_is_not_described_ends_it(tmp_path: Path) -> None:
    with pytest.raises(SegueError, match="missing"):
        describe_batch([str(tmp_path / "none.mp3")], load_settings().audio)
