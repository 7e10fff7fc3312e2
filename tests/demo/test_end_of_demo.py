"""The message of a demo that `./run.sh down` ends from another terminal."""

from __future__ import annotations

import contextlib
import os
import signal

import pytest

from segue.demo.cli import _report_sigterm
from segue.processes import ended_by_sigterm


def test_sigterm_is_reported_in_plain_words(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit), ended_by_sigterm(), contextlib.ExitStack() as stack:
        stack.push(_report_sigterm)
        os.kill(os.getpid(), signal.SIGTERM)
    assert "the demo and its services are stopped" in capsys.readouterr().err


def test_another_end_is_not(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(KeyboardInterrupt), contextlib.ExitStack() as stack:
        stack.push(_report_sigterm)
        raise KeyboardInterrupt
    assert capsys.readouterr().err == ""
