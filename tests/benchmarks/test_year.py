"""The benchmark of a year, small: it runs, and both ways give the same feedback."""

from __future__ import annotations

import pytest
from rich.console import Console

from segue.benchmarks import year
from segue.settings import Settings


@pytest.mark.integration
def test_running_totals_publish_the_same_feedback_as_adding_up_all_windows(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(year, "up", lambda _settings: settings)
    monkeypatch.setattr(year, "LISTENERS", 600)
    monkeypatch.setattr(year, "MINUTES", 16)
    figures = year.measure(quick=True, console=Console(stderr=True))
    assert figures["same_result"] is True
    assert figures["day_documents"] > 100
    assert 0 < figures["feedback_s_100k"] <= figures["feedback_worst_s_100k"]
