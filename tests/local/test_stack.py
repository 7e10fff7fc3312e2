"""The servers that are started, and the message when a needed one is away."""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import psutil
import pytest
from prometheus_client import CollectorRegistry
from typer.testing import CliRunner

from segue.cli.main import app
from segue.errors import SegueError
from segue.local import process, stack
from segue.operations.health import Health, serve
from segue.settings import Settings, load_settings
from tests.waiting import until

OWN = {"bootstrap": "own:9092", "uri": "mongodb://own"}


def _settings(*, bootstrap: str = "", uri: str = "") -> Settings:
    base = load_settings()
    return base.model_copy(
        update={
            "kafka": base.kafka.model_copy(update={"bootstrap_servers": bootstrap}),
            "mongo": base.mongo.model_copy(update={"uri": uri}),
        }
    )


def _job(folder: Path, name: str) -> process.Record:
    command = [sys.executable, "-c", "import time; time.sleep(3600)"]
    return process.spawn(
        command, name=name, address="", log=folder / f"{name}.log", record=folder / "run" / f"{name}.json"
    )


def _is_up(log: Path) -> bool:
    return process.last_line(log) == "up"


def test_with_own_servers_none_is_started(tmp_path: Path) -> None:
    settings = _settings(**OWN)
    assert stack.up(settings, folder=tmp_path) == settings
    assert stack.connected(settings, folder=tmp_path) == settings
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("own", "line"),
    [
        ({"uri": "mongodb://own"}, "the embedded Kafka is not running: start it with ./run.sh up"),
        ({"bootstrap": "own:9092"}, "the embedded MongoDB is not running: start it with ./run.sh up"),
    ],
)
def test_a_needed_server_that_is_away_gives_one_line(tmp_path: Path, own: dict[str, str], line: str) -> None:
    with pytest.raises(SegueError, match=line) as caught:
        stack.connected(_settings(**own), folder=tmp_path)
    assert "\n" not in str(caught.value)


def test_a_full_disk_gives_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stack, "FREE_BYTES", 10**18)
    with pytest.raises(SegueError, match=r"only \d+ MB are free on the disk of .*: make room"):
        stack.up(_settings(uri="mongodb://own"), folder=tmp_path)


def test_down_ends_recorded_processes_those_with_listeners_first(tmp_path: Path) -> None:
    records = [_job(tmp_path, name) for name in ("stream", "dashboard", "replay")]
    assert [record.name for record, runs in stack.status(folder=tmp_path) if runs] == [
        "dashboard",
        "replay",
        "stream",
    ]
    waiting: list[Sequence[str]] = []
    ended = stack.down(folder=tmp_path, waiting=waiting.append)
    assert ended == waiting[0] == ["dashboard", "replay", "stream"]
    line = "Stopping the dashboard, the stream (which finishes its micro-batch), Kafka"
    assert stack.waits_for(["dashboard", "stream", "kafka"]) == line
    assert not any(process.running(record) for record in records)
    assert stack.status(folder=tmp_path) == []
    assert stack.down(folder=tmp_path) == []


def test_down_stops_all_jobs_at_once_and_says_which_still_run(tmp_path: Path) -> None:
    # Each ends when all have been told to; all but the dashboard also wait until it has ended.
    slow = """
import pathlib, signal, sys, time
folder, name = pathlib.Path(sys.argv[1]), sys.argv[2]
def end(*_):
    (folder / f"{name}.told").touch()
    while len(list(folder.glob("*.told"))) < 3 or (name != "dashboard" and not (folder / "go").exists()):
        time.sleep(0.02)
    sys.exit()
signal.signal(signal.SIGTERM, end)
print("up", flush=True)
time.sleep(3600)
"""
    names = ["dashboard", "one", "stream"]
    for name in names:
        log = tmp_path / f"{name}.log"
        process.spawn(
            [sys.executable, "-c", slow, str(tmp_path), name],
            name=name,
            address="",
            log=log,
            record=tmp_path / "run" / f"{name}.json",
        )
        until(partial(_is_up, log), "the process to start")
    waiting: list[Sequence[str]] = []

    def wait(still: Sequence[str]) -> None:
        waiting.append(still)
        if "dashboard" not in still:
            (tmp_path / "go").touch()

    assert stack.down(folder=tmp_path, waiting=wait) == names
    assert waiting[:2] == [names, ["one", "stream"]]


def test_servers_are_stopped_after_the_jobs_that_need_them(
    tmp_path: Path,
) -> None:
    _job(tmp_path, "stream")
    for name in ("kafka", "mongo"):
        record = _job(tmp_path, name)
        (tmp_path / name).mkdir()
        (tmp_path / "run" / f"{name}.json").replace(tmp_path / name / "process.json")
        assert process.running(record)
    waiting: list[Sequence[str]] = []
    assert stack.down(folder=tmp_path, waiting=waiting.append) == ["stream", "kafka", "mongo"]
    assert waiting[:2] == [["stream"], ["kafka", "mongo"]]


def test_down_leaves_processes_that_others_started_under_the_same_name(tmp_path: Path) -> None:
    first, kept = _job(tmp_path, "stream"), _job(tmp_path, "replay")
    stack.down(folder=tmp_path, only=[first])
    second = _job(tmp_path, "stream")
    assert stack.down(folder=tmp_path, only=[first]) == []
    assert process.running(second) and process.running(kept)
    told = second.model_copy(update={"address": "http://127.0.0.1:1"})
    assert stack.down(folder=tmp_path, only=[told]) == ["stream"]
    stack.down(folder=tmp_path)


def test_status_shows_a_process_that_ended_by_itself(tmp_path: Path) -> None:
    record = _job(tmp_path, "stream")
    os.kill(record.pid, signal.SIGKILL)
    until(lambda: not process.running(record), "the process to end")
    assert stack.status(folder=tmp_path) == [(record, False)]
    assert stack.down(folder=tmp_path) == []


@pytest.mark.parametrize(
    "others, name, command",
    [
        ([], "kafka", "up"),
        ([], "stream", "stream run"),
        (["demo"], "stream", "demo"),
        (["demo"], "mongo", "up"),
    ],
)
def test_status_names_the_command_that_starts_an_ended_process(
    others: list[str], name: str, command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = process.Record(name=name, pid=1, created=0.0, address="", log=str(tmp_path / "its.log"))
    around = [(record.model_copy(update={"name": other, "log": ""}), True) for other in others]
    monkeypatch.setattr(stack, "status", lambda: [*around, (record, False)])
    result = CliRunner().invoke(app, ["status"])
    assert result.exit_code == 0
    line = f"{name}: the end of its log gives the reason; ./run.sh {command} starts it again\n"
    assert result.output.endswith(line)


@pytest.mark.parametrize("command", ["up", "down", "status"])
def test_every_command_has_help_with_an_example(command: str) -> None:
    result = CliRunner().invoke(app, [command, "--help"])
    assert result.exit_code == 0
    assert f"Example: ./run.sh {command}" in result.output


def test_status_for_machines_is_json() -> None:
    result = CliRunner().invoke(app, ["status", "--json", "-"])
    assert result.exit_code == 0
    for entry in json.loads(result.output):
        assert set(entry) == {
            "name",
            "pid",
            "created",
            "address",
            "log",
            "health",
            "running",
            "state",
            "problems",
        }


def _shown(monkeypatch: pytest.MonkeyPatch, *records: process.Record) -> str:
    monkeypatch.setattr(stack, "status", lambda: [(record, True) for record in records])
    result = CliRunner().invoke(app, ["status"])
    assert result.exit_code == 0
    return result.output


def test_status_follows_the_health_that_a_process_reports(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    now = [Health("healthy")]
    port = process.free_port(24441)
    server = serve(port, registry=CollectorRegistry(), health=lambda: now[-1])
    mine = process.Record(
        name="stream",
        pid=os.getpid(),
        created=0,
        address="",
        log="",
        health=f"http://127.0.0.1:{port}/health",
    )
    try:
        assert " runs " in _shown(monkeypatch, mine)
        now.append(Health("unhealthy", ("the query 'recommend' has made no progress since …",)))
        shown = _shown(monkeypatch, mine)
        assert "unhealthy" in shown
        assert "stream: the query 'recommend' has made no progress since …" in shown
        now.append(Health("degraded", ("the query 'rejected plays' has ended …",)))
        assert "runs in part" in (shown := _shown(monkeypatch, mine))
        assert "stream: the query 'rejected plays' has ended …" in shown
    finally:
        server.shutdown()
        server.server_close()
    assert "stream: no answer at http://127.0.0.1" in _shown(monkeypatch, mine)


def test_status_names_a_process_that_is_suspended(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    record = _job(tmp_path, "kafka")
    os.kill(record.pid, signal.SIGSTOP)
    process = psutil.Process(record.pid)
    until(lambda: process.status() == psutil.STATUS_STOPPED, "the process to stop")
    try:
        shown = _shown(monkeypatch, record)
        assert f"kafka: suspended by a signal: kill -CONT {record.pid} continues it" in shown
    finally:
        os.kill(record.pid, signal.SIGCONT)
        stack.down(folder=tmp_path)
