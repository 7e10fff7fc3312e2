"""Processes that outlive their starter: started, found again, ended; stale records harm nobody."""

from __future__ import annotations

import os
import signal
import socket
import sys
import time
from pathlib import Path

import psutil
import pytest

from segue.errors import SegueError
from segue.local import process
from tests.waiting import until

SLEEP = [sys.executable, "-c", "import time; print('up', flush=True); time.sleep(3600)"]
STUBBORN = ["bash", "-c", "trap '' TERM; echo up; while true; do sleep 1; done"]
PARENT = ["bash", "-c", "sleep 3600 & echo up; wait"]


def _spawn(folder: Path, command: list[str]) -> tuple[process.Record, Path]:
    file = folder / "one.json"
    record = process.spawn(command, name="one", address="here", log=folder / "one.log", record=file)
    until(lambda: process.last_line(folder / "one.log") == "up", "the process to start")
    return record, file


def test_a_started_process_is_found_and_ended_by_its_record(tmp_path: Path) -> None:
    started, file = _spawn(tmp_path, SLEEP)
    found = process.read_record(file)
    assert found == started
    assert found is not None
    assert (found.name, found.address, found.log) == ("one", "here", str(tmp_path / "one.log"))
    assert process.running(found) is not None
    assert os.getsid(found.pid) != os.getsid(0)

    assert process.stop(file)
    assert process.running(found) is None
    assert not file.exists()


def test_a_process_that_ignores_sigterm_is_killed(tmp_path: Path) -> None:
    record, file = _spawn(tmp_path, STUBBORN)
    assert process.stop(file, patience=0.2)
    assert process.running(record) is None


def test_a_paused_process_ends_like_any_other(tmp_path: Path) -> None:
    record, file = _spawn(tmp_path, SLEEP)
    os.kill(record.pid, signal.SIGSTOP)
    began = time.monotonic()
    assert process.stop(file)
    assert time.monotonic() - began < process.PATIENCE / 2
    assert process.running(record) is None


def test_children_of_a_process_end_with_it(tmp_path: Path) -> None:
    record, file = _spawn(tmp_path, PARENT)
    children = psutil.Process(record.pid).children()
    assert children
    process.stop(file, patience=0.5)
    assert not any(child.is_running() and child.status() != psutil.STATUS_ZOMBIE for child in children)


def test_the_record_of_a_killed_process_is_stale(tmp_path: Path) -> None:
    record, file = _spawn(tmp_path, SLEEP)
    os.kill(record.pid, signal.SIGKILL)
    until(lambda: not process.running(record), "the process to end")
    assert process.running(record) is None
    assert not process.stop(file)
    assert not file.exists()


def test_another_process_with_the_recorded_pid_is_left_alone(tmp_path: Path) -> None:
    record, file = _spawn(tmp_path, SLEEP)
    recycled = record.model_copy(update={"created": record.created - 3600})
    file.write_text(recycled.model_dump_json())
    assert process.running(recycled) is None
    assert not process.stop(file)
    assert process.running(record) is not None

    file.write_text(record.model_dump_json())
    process.stop(file)


@pytest.mark.parametrize("text", ["", "{", '{"pid": "x"}', "[]"])
def test_a_damaged_record_counts_as_none(tmp_path: Path, text: str) -> None:
    file = tmp_path / "one.json"
    file.write_text(text)
    assert process.read_record(file) is None
    assert not process.stop(file)


def test_a_job_registers_itself_once(tmp_path: Path) -> None:
    with process.registered("job", address="here", folder=tmp_path):
        record = process.read_record(tmp_path / "job.json")
        assert record is not None
        assert record.pid == os.getpid()
    assert not (tmp_path / "job.json").exists()


def test_a_second_job_of_a_name_is_refused(tmp_path: Path) -> None:
    record, file = _spawn(tmp_path, SLEEP)
    refused = pytest.raises(SegueError, match=f"one is already running .pid {record.pid}.")
    with refused, process.registered("one", folder=tmp_path):
        pass
    assert process.read_record(file) == record
    process.stop(file)


def test_a_taken_port_is_passed_over() -> None:
    usual = process.free_port(28500)
    with socket.socket() as other:
        other.bind(("127.0.0.1", usual))
        other.listen()
        assert not process.port_is_free(usual)
        assert process.accepts(usual)
        found = process.free_port(usual)
        assert found != usual
        assert process.port_is_free(found)
        assert process.free_port(usual, avoid=[found]) not in {usual, found}


def test_a_listening_socket_keeps_its_port_from_others() -> None:
    usual = process.free_port(28600)
    with process.listening("127.0.0.1", usual) as first, process.listening("127.0.0.1", usual) as second:
        assert first.getsockname()[1] == usual
        assert second.getsockname()[1] != usual
        assert process.accepts(usual)


def test_an_address_of_another_machine_is_refused() -> None:
    with pytest.raises(SegueError, match=r"cannot listen on 192\.0\.2\.1"):
        process.listening("192.0.2.1", 28700)


def test_the_kept_port_comes_before_the_usual_one() -> None:
    kept = process.free_port(28800)
    assert process.free_port(28500, kept=kept) == kept


def test_a_long_log_is_put_aside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "LOG_LIMIT", 10)
    (tmp_path / "one.log").write_text("from the last start\n")
    _, file = _spawn(tmp_path, SLEEP)
    assert (tmp_path / "one.old.log").read_text() == "from the last start\n"
    assert (tmp_path / "one.log").read_text() == "up\n"
    process.stop(file)
