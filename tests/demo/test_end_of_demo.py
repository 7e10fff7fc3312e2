"""The end of a demo whose services end while it runs."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from rich.console import Console

from segue.demo import stages
from segue.demo.stages import Demo
from segue.errors import SegueError
from segue.local import process
from segue.settings import Settings


@pytest.fixture
def demo(settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Demo:
    monkeypatch.setattr(process, "RUN", tmp_path)
    monkeypatch.setattr(stages, "_RECORD_SECONDS", 0.3)

    def lose_the_stream(demo: Demo) -> None:
        demo._check_running("stream")

    monkeypatch.setattr(Demo, "_play_on", lose_the_stream)
    console = Console(file=io.StringIO(), width=200)
    return Demo(settings, name="segue_demo", library=None, console=console)


def test_down_from_another_terminal_ends_the_demo_without_an_error(demo: Demo) -> None:
    demo.stay()
    assert isinstance(demo._console.file, io.StringIO)
    assert "down has stopped the services of the demo" in demo._console.file.getvalue()


def test_a_stream_that_fails_is_an_error_with_its_last_line(demo: Demo, tmp_path: Path) -> None:
    log = tmp_path / "stream.log"
    record = process.spawn(
        ["true"], name="stream", address="", log=log, record=tmp_path / "stream.json", folder=tmp_path
    )
    while process.running(record):
        pass
    with pytest.raises(SegueError, match="the stream has ended"):
        demo.stay()
