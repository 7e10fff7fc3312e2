"""The command `bench`."""

from __future__ import annotations

import os
import signal
from contextlib import ExitStack
from types import SimpleNamespace

import pytest
from rich.console import Console

from segue.benchmarks import cli


def test_sigterm_removes_what_a_run_has_made(monkeypatch: pytest.MonkeyPatch) -> None:
    removed: list[str] = []

    def measure(*, console: Console) -> None:
        with ExitStack() as made:
            made.callback(removed.append, "the stream")
            os.kill(os.getpid(), signal.SIGTERM)
            signal.pause()

    monkeypatch.setattr("importlib.import_module", lambda _: SimpleNamespace(measure=measure))
    with pytest.raises(SystemExit) as ended:
        cli.bench("flood")
    assert (ended.value.code, removed) == (143, ["the stream"])
