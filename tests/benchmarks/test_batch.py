"""`bench storage` and `bench pipeline`, small: they run, and their figures are consistent."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from segue.benchmarks import pipeline, storage
from segue.benchmarks.usage import used
from segue.settings import Settings

CONSOLE = Console(quiet=True)


@pytest.fixture
def servers(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """The tests' own mongod for benchmarks that would look for the embedded one."""
    for benchmark in (pipeline, storage):
        monkeypatch.setattr(benchmark, "connected", lambda _settings, **_which: settings)


@pytest.mark.usefixtures("servers")
def test_every_way_of_storage_gives_the_floats_back() -> None:
    figures = storage.measure(quick=True, console=CONSOLE, tracks=300)
    assert figures["same_floats"]
    assert figures["document_bytes_bytes"] < figures["document_bytes_array"] / 2


@pytest.mark.usefixtures("servers")
def test_the_pipeline_publishes_all_of_its_tracks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pipeline, "LOCAL", tmp_path)
    figures = pipeline.measure(quick=True, console=CONSOLE, tracks=400)
    assert figures["tracks"] == 400
    assert figures["dimension"] == 64
    assert figures["recall20"] > 0.97


def test_processor_time_and_memory_are_counted() -> None:
    with used() as usage:
        held = np.ones(30_000_000)
        while usage.peak_mb < 200:
            held.sum()
    assert usage.cpu_s > 0
    assert usage.seconds > 0
