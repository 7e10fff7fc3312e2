"""The parts of the run under faults that need no servers: schedule, ledger, comparison, growth."""

from __future__ import annotations

import itertools
import os
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from segue.benchmarks.chaos.faults import full_disk
from segue.benchmarks.chaos.outcome import compared
from segue.benchmarks.chaos.players import Ledger, Sent
from segue.benchmarks.chaos.processes import Supervised, Supervisor
from segue.benchmarks.chaos.run import fault_of
from segue.benchmarks.chaos.samples import left_over, middle_and_end, slope
from segue.benchmarks.chaos.schedule import TARGETS, Kind, schedule
from tests.waiting import until

HOUR = 3600.0
PAIRS = {(kind, target) for kind, targets in TARGETS.items() for target in targets}
GOOD: dict[str, float | bool] = {
    **{f"chaos_{name}": 0 for name in ("missing", "twice", "rejected", "unanswered", "files_left_over")},
    "chaos_recount_exact": True,
}


def test_a_seed_gives_the_same_faults_again() -> None:
    assert schedule(7, seconds=HOUR) == schedule(7, seconds=HOUR)
    assert schedule(7, seconds=HOUR) != schedule(8, seconds=HOUR)
    assert schedule(7, seconds=HOUR)[:5] == schedule(7, seconds=HOUR / 2)[:5]


@pytest.mark.parametrize("seed", range(5))
def test_an_hour_has_every_fault_on_every_process_one_after_another(seed: int) -> None:
    faults = schedule(seed, seconds=HOUR)
    assert {(fault.kind, fault.target) for fault in faults} == PAIRS
    for fault, after in itertools.pairwise(faults):
        assert fault.at + fault.seconds < after.at
    assert faults[-1].at + faults[-1].seconds <= HOUR


def test_the_service_gets_time_to_recover_now_and_then() -> None:
    faults = schedule(3, seconds=HOUR, rest_after=4)
    pauses = [after.at - fault.at - fault.seconds for fault, after in itertools.pairwise(faults)]
    assert all(pause >= 90 for pause in pauses[3::4])
    assert all(pause <= 45 for n, pause in enumerate(pauses, start=1) if n % 4)


def test_faults_of_a_choice() -> None:
    chosen = (Kind.KILL, "stream")
    assert {(fault.kind, fault.target) for fault in schedule(1, seconds=300, only=[chosen])} == {chosen}


def _sent(track: str, kind: str = "play") -> Sent:
    return Sent("token", track, kind, 0)


def test_each_acknowledged_event_is_found_once_twice_rejected_or_nowhere() -> None:
    acknowledged = {name: _sent(name) for name in ("once", "twice", "late", "lost")}
    acknowledged["other"] = _sent("once", "complete")
    counted = {("ada", "once", "play"): 1, ("ada", "twice", "play"): 2, ("bob", "lost", "play"): 1}
    found = compared(acknowledged, listeners={"token": "ada"}, counted=counted, rejected={"late", "once"})
    assert found.in_facts == ["once"]
    assert found.twice == ["twice"]
    assert found.rejected == ["late"]
    assert found.missing == ["lost", "other"]


@pytest.mark.parametrize(
    ("changed", "line"),
    [
        ({}, ""),
        ({"chaos_missing": 2}, "2 missing"),
        ({"chaos_twice": 1, "chaos_files_left_over": 3}, "1 twice, 3 files_left_over"),
        ({"chaos_recount_exact": False}, "the recount differs"),
    ],
)
def test_a_run_that_loses_something_ends_with_a_line(changed: dict[str, float | bool], line: str) -> None:
    assert fault_of(GOOD | changed) == line


def test_the_ledger_is_on_the_disk(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "acknowledged.jsonl")
    ledger.acknowledge("e1", _sent("t1"))
    ledger.acknowledge("e2", _sent("t2", "like"))
    assert list(ledger.acknowledged) == ["e1", "e2"]
    assert '"event_id": "e2"' in ledger.file.read_text().splitlines()[1]


def test_growth_is_within_a_process_and_a_restart_is_none() -> None:
    minutes = [60.0 * n for n in range(20)]
    steady = {1: [(at, 300.0) for at in minutes], 2: [(1e4 + at, 500.0) for at in minutes]}
    assert slope(steady) == pytest.approx(0.0)
    leaking = {
        1: [(at, 300.0 + at / 60) for at in minutes],
        2: [(1e4 + at, 100.0 + at / 60) for at in minutes],
    }
    assert slope(leaking) == pytest.approx(60.0)
    assert slope({}) == slope({1: [(0.0, 5.0)]}) == 0.0


def test_the_end_of_a_run_is_compared_with_its_middle() -> None:
    assert middle_and_end("files", [900, 900, 100, 120, 150, 180]) == {
        "files_middle": 110,
        "files_end": 165,
        "files_growth": 1.5,
    }
    assert middle_and_end("files", []) == {"files_middle": 0, "files_end": 0, "files_growth": 0}


def test_left_over_files_are_named(tmp_path: Path) -> None:
    offsets = tmp_path / "checkpoints" / "recommend" / "offsets"
    offsets.mkdir(parents=True)
    (offsets / "17").touch()
    (offsets / ".17.5e4ff7c6-3d2d-4b0f-9d2a-7d1d3a1f6c11.tmp").touch()
    for n, folder in enumerate(("1-killed", "2-running")):
        (tmp_path / "run" / "scratch" / folder).mkdir(parents=True)
        os.utime(tmp_path / "run" / "scratch" / folder, (n, n))
    assert [file.name for file in left_over(tmp_path)] == [
        ".17.5e4ff7c6-3d2d-4b0f-9d2a-7d1d3a1f6c11.tmp",
        "1-killed",
    ]


_WRITER = """\
import sys
from pathlib import Path
print("up", flush=True)
for line in sys.stdin:
    try:
        Path(sys.argv[1]).write_bytes(b"x" * int(line))
        print("written", flush=True)
    except OSError as error:
        print(error.strerror, flush=True)
"""


def test_nothing_is_written_to_a_full_disk_and_afterwards_it_is(tmp_path: Path) -> None:
    command = [sys.executable, "-c", _WRITER, str(tmp_path / "file")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdin and writer.stdout

        def write(size: int) -> str:
            assert writer.stdin and writer.stdout
            print(size, file=writer.stdin, flush=True)
            return writer.stdout.readline().strip()

        assert writer.stdout.readline() == "up\n"
        with full_disk([psutil.Process(writer.pid)]):
            assert write(1) == "File too large"
        assert write(1) == "written"


def test_the_supervisor_restarts_an_ended_process(tmp_path: Path) -> None:
    command = [sys.executable, "-c", "import time; time.sleep(3600)"]
    job = Supervised("job", lambda: command, log=tmp_path / "job.log")
    job.start()
    supervisor = Supervisor([job])
    supervisor.start()
    [first] = job.family()
    first.kill()
    until(lambda: job.starts == 2 and job.runs(), "the second start")
    [second] = job.family()
    supervisor.stop()
    assert not second.is_running()
    assert not job.runs()
