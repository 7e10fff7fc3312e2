"""The benchmark of the ingest: small, for its figures to make sense."""

from __future__ import annotations

import pytest
from rich.console import Console

from segue.benchmarks.ingest import compare


def test_figures() -> None:
    figures = compare(60, console=Console(quiet=True))
    assert figures["files"] == 60
    assert figures["ratio_to_mutagen"] == pytest.approx(
        figures["files_per_s"] / figures["mutagen_files_per_s"]
    )
    assert figures["ratio_to_mutagen_cpu"] == pytest.approx(
        2 * figures["mutagen_cpu_ms_per_file"] / figures["cpu_ms_per_file"]
    )
    assert all(value > 0 for value in figures.values())
