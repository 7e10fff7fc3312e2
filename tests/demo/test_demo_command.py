"""The end of a demo, and the removal of its data."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from segue.demo import removal
from segue.demo.cli import _ended_by_sigterm
from segue.demo.place import demo_name, demo_settings
from segue.errors import SegueError
from segue.local import process
from segue.settings import Settings
from segue.storage.inspection import inspect_kafka
from segue.storage.kafka import ensure_topics
from segue.storage.mongo import connect


def test_sigterm_runs_what_ctrl_c_runs() -> None:
    before = signal.getsignal(signal.SIGTERM)
    stopped = []
    with pytest.raises(SystemExit) as caught, _ended_by_sigterm():
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
