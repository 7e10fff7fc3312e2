"""The end of a demo, and the removal of its data."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from rich.console import Console

from segue.demo import removal
from segue.demo.place import demo_name, demo_settings
from segue.demo.stages import Demo
from segue.errors import SegueError
from segue.local import process
from segue.places import ROOT
from segue.processes import ended_by_sigterm
from segue.settings import Settings, load_settings
from segue.storage.inspection import inspect_kafka
from segue.storage.kafka import ensure_topics
from segue.storage.mongo import connect
from tests.conftest import new_database_name
from tests.waiting import until


@pytest.fixture
def database_name() -> str:
    return new_database_name()


def test_sigterm_runs_the_same_code_as_ctrl_c() -> None:
    before = signal.getsignal(signal.SIGTERM)
    stopped = []
    with pytest.raises(SystemExit) as caught, ended_by_sigterm():
        try:
            os.kill(os.getpid(), signal.SIGTERM)
        finally:
            os.kill(os.getpid(), signal.SIGTERM)  # a second signal does not interrupt the end
            stopped.append("all")
    assert (caught.value.code, stopped) == (143, ["all"])
    assert signal.getsignal(signal.SIGTERM) == before


def test_each_library_has_a_demo_of_its_own(tmp_path: Path) -> None:
    assert demo_name(None) == "demo"
    names = {demo_name(tmp_path / "a b/Music"), demo_name(tmp_path / "c/Music")}
    assert len(names) == 2
    assert all(name.startswith("demo_music_") for name in names)


_STARTER = """\
import subprocess, sys, time
from pathlib import Path
from segue.local import process
command = [sys.executable, "-c", "import time; time.sleep(3600)"]
folder, database = Path(sys.argv[2]), {"SEGUE_MONGO__DATABASE": sys.argv[3]}
log, record = folder / "stream.log", folder / "stream.json"
process.spawn(command, name="stream", address="", log=log, record=record, environment=database)
print("up", flush=True)
time.sleep(3600)
"""


@pytest.mark.parametrize(
    ("database", "killed", "replaced"),
    [("segue_demo", True, True), ("segue_demo", False, False), ("segue", True, False)],
)
def test_a_demo_replaces_the_jobs_of_a_killed_one_and_no_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, database: str, killed: bool, replaced: bool
) -> None:
    monkeypatch.setattr(process, "RUN", tmp_path)
    monkeypatch.setattr(Demo, "_log", lambda self, name: tmp_path / f"{name}-new.log")
    command = [sys.executable, "-c", _STARTER, "demo", str(tmp_path), database]
    starter = subprocess.Popen(command, stdout=subprocess.PIPE, cwd=ROOT)
    assert starter.stdout
    with starter.stdout:
        assert starter.stdout.readline() == b"up\n"
    if killed:
        starter.kill()
        starter.wait()
    before = process.read_record(tmp_path / "stream.json")
    job = process.running(before)
    assert job
    until(lambda: "SEGUE_MONGO__DATABASE" in job.environ(), "the job to have its environment")
    demo = Demo(load_settings(), name="demo", library=None, console=Console(stderr=True))
    try:
        if replaced:
            after = demo._background("stream", "--version")
            assert process.running(before) is None
            assert process.read_record(tmp_path / "stream.json") == after != before
        else:
            with pytest.raises(SegueError, match="stream is already running"):
                demo._background("stream", "--version")
            assert process.running(before)
    finally:
        starter.kill()
        starter.wait()
        process.stop(tmp_path / "stream.json")


@pytest.fixture
def composed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(removal, "COMPOSED", tmp_path / "library")
    monkeypatch.setattr(process, "RUN", tmp_path / "run")
    return tmp_path / "library"


@pytest.mark.integration
def test_the_data_of_a_demo_are_removed_and_no_others(broker: Settings, composed: Path) -> None:
    demo = demo_settings(broker, "demo")
    ensure_topics(demo.kafka)
    for settings in (demo, broker):
        connect(settings.mongo)["tracks"].insert_one({"_id": settings.mongo.database})
        Path(settings.index.folder, "v1").mkdir(parents=True)
    composed.mkdir()
    data = removal.DemoData(broker, library=None)
    assert f"database  {demo.mongo.database}" in data.lines()
    data.remove()
    data.remove()  # a second time there is nothing to remove
    assert inspect_kafka(demo.kafka).topics == {}
    assert inspect_kafka(broker.kafka).topics.keys() == {
        broker.kafka.plays_topic,
        broker.kafka.rejected_topic,
    }
    assert connect(demo.mongo).list_collection_names() == []
    database = connect(broker.mongo)
    assert database.list_collection_names() == ["tracks"]
    database.client.drop_database(database.name)
    assert not composed.exists()
    assert not Path(demo.index.folder).exists()
    assert Path(broker.index.folder, "v1").is_dir()


@pytest.mark.parametrize("name", ["stream", "dashboard"])
def test_a_running_demo_keeps_its_data(settings: Settings, composed: Path, name: str) -> None:
    composed.mkdir()
    running = pytest.raises(SegueError, match=f"the {name} is running: stop it first")
    with process.registered(name, folder=process.RUN), running:
        removal.DemoData(settings, library=None).remove()
    assert composed.exists()
