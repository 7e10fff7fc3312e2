"""A file has its processor time however busy the machine is; one that hangs is given up."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from itertools import count

import pytest

from segue.audio.allowance import PATIENCE, Allowance
from segue.processor_time import processor_time
from tests.waiting import until


class Machine:
    """A clock, and the processor time that the work gets: a share of each second."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.clock = self.used = 0.0
        monkeypatch.setattr(time, "monotonic", lambda: self.clock)

    def given_up(self, allowance: Allowance, *, share: float) -> tuple[int, str]:
        """After how many seconds the work is given up, and why."""
        for second in count(1):
            self.clock, self.used = self.clock + 1, self.used + share
            if why := allowance.exceeded():
                return second, why
        raise AssertionError


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Machine:
    return Machine(monkeypatch)


@pytest.mark.parametrize(
    ("share", "seconds", "why"),
    [
        (1.0, 100, "it took longer than 100 s of processor time"),
        (0.25, 400, "it took longer than 100 s of processor time"),
        (0.01, 1000, "it took longer than 1000 s"),
        (0.0, 100, "it stood still for 100 s"),
    ],
)
def test_a_busy_machine_gives_a_file_more_time(
    machine: Machine, share: float, seconds: int, why: str
) -> None:
    allowance = Allowance(100.0, used=lambda: machine.used)
    assert machine.given_up(allowance, share=share) == (seconds, why)
    assert PATIENCE * allowance.seconds == 1000


def test_time_used_before_does_not_count_and_neither_does_a_pause(machine: Machine) -> None:
    machine.used = 5000.0
    allowance = Allowance(100.0, used=lambda: machine.used)
    machine.clock = 99
    assert allowance.exceeded() is None
    machine.used += 0.01
    machine.clock = 100
    assert allowance.exceeded() is None
    machine.clock = 199
    assert allowance.exceeded() is None
    machine.clock = 200
    assert allowance.exceeded() == "it stood still for 100 s"


@pytest.fixture
def busy_family() -> Iterator[subprocess.Popen[bytes]]:
    """A process that sleeps while one that it has started works."""
    work = "import subprocess, sys; subprocess.run([sys.executable, '-c', 'while True: pass'])"
    with subprocess.Popen([sys.executable, "-c", work], start_new_session=True) as process:
        yield process
        os.killpg(process.pid, signal.SIGKILL)


def test_the_time_of_started_processes_counts(busy_family: subprocess.Popen[bytes]) -> None:
    until(lambda: processor_time(busy_family.pid) > 1.0, "a second of processor time")
    allowance = Allowance(0.5, used=lambda: processor_time(busy_family.pid))
    until(lambda: allowance.exceeded() == "it took longer than 0.5 s of processor time", "the limit")
