"""`./run.sh doctor` on a machine where nothing runs, and with real servers."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from segue.cli.main import app
from segue.doctor import installed, machine
from segue.doctor.check import Check, failed, lines, ok, problem, warning
from segue.doctor.checkpoints import checkpoint_checks
from segue.doctor.machine import machine_checks
from segue.doctor.permissions import kafka_permissions, mongo_permissions
from segue.places import CONF, ROOT
from segue.settings import Settings
from segue.storage.inspection import KafkaState, MongoState, TopicState, inspect_kafka, inspect_mongo
from segue.storage.store import Job
from segue.streaming_jobs.checkpoint import contract

TOPIC = TopicState(partitions=3, replication=3, timestamp_type="LogAppendTime", retention_ms=30 * 86_400_000)


def named(checks: list[Check], name: str) -> Check:
    return next(check for check in checks if check.name == name)


def test_only_a_problem_fails_and_each_fault_has_a_fix() -> None:
    checks = [ok("a", "fine"), warning("b", "slow", "run ./run.sh setup")]
    assert not failed(checks)
    assert lines(checks) == ["ok       a: fine", "warning  b: slow", "         -> run ./run.sh setup"]
    assert failed([*checks, problem("c", "broken", "mend it")])


def test_where_nothing_runs_it_says_so_and_starts_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("segue.local.kafka.Broker.address", lambda self: None)
    monkeypatch.setattr("segue.local.mongod.Mongod.address", lambda self: None)
    done = CliRunner().invoke(app, ["doctor", "--json", "-"])
    report = [Check(**entry) for entry in json.loads(done.stdout)]
    assert done.exit_code == int(failed(report))
    assert {named(report, name).state for name in ("Kafka", "MongoDB", "index")} == {"warning"}
    assert "./run.sh up" in named(report, "Kafka").fix
    assert all((check.state == "ok") == (check.fix == "") for check in report)


def test_before_set_up_it_checks_the_machine_with_any_python() -> None:
    code = (
        "import sys, runpy\n"
        "class Missing:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name.split('.')[0] in ('typer', 'rich', 'pydantic', 'pyspark', 'numpy'):\n"
        "            raise ModuleNotFoundError(name)\n"
        "sys.meta_path.insert(0, Missing())\n"
        "sys.argv = ['doctor', '--json', '-']\n"
        "runpy.run_module('segue.doctor', run_name='__main__')\n"
    )
    done = subprocess.run(
        [sys.executable, "-P", "-c", code],
        capture_output=True,
        text=True,
        check=False,
        cwd="/",
        env={"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin"},
    )
    report = [Check(**entry) for entry in json.loads(done.stdout)]
    assert done.returncode == int(failed(report))
    assert [check.name for check in report[:-1]] == [check.name for check in machine_checks()]
    assert "./run.sh setup" in named(report, "packages").fix


@pytest.mark.parametrize(
    "database, runs, reminded",
    [
        ("segue", True, True),
        ("segue_demo", True, False),
        ("segue_demo_music_1", True, False),
        ("segue", False, False),
    ],
)
def test_while_a_demo_runs_it_says_whose_data_are_checked(
    database: str, runs: bool, reminded: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SEGUE_MONGO__DATABASE", database)
    monkeypatch.setattr("segue.local.kafka.Broker.address", lambda self: None)
    monkeypatch.setattr("segue.local.mongod.Mongod.address", lambda self: None)
    monkeypatch.setattr(installed, "running", lambda record: runs)
    found = [check for check in installed.installation_checks() if check.name == "demo"]
    assert [check.state for check in found] == ["warning"] * reminded


def test_a_small_machine_is_warned_of(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "MEMORY_GB", 1e6)
    monkeypatch.setattr(machine, "DISK_GB", 1e9)
    monkeypatch.setattr(machine, "PYTHONS", ((4, 0), (4, 1)))
    monkeypatch.setenv("JAVA_HOME", "/no/java")
    checks = machine_checks()
    states = {check.name: check.state for check in checks}
    assert (states["memory"], states["disk"], states["Python"]) == ("warning", "warning", "problem")
    assert states["Java"] == "warning"


def test_wrong_settings_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEGUE_NOTHING__SUCH", "1")
    found = named(installed.installation_checks(), "settings")
    assert found.state == "problem"
    assert "SEGUE_NOTHING__SUCH" in found.found


@pytest.mark.parametrize(
    ("topic", "brokers", "state", "says"),
    [
        (TOPIC, 3, "ok", "3 partitions, replication factor 3"),
        (replace(TOPIC, timestamp_type="CreateTime"), 3, "problem", "message.timestamp.type=LogAppendTime"),
        (replace(TOPIC, retention_ms=86_400_000), 3, "warning", "retention.ms=2592000000"),
        (replace(TOPIC, retention_ms=-1), 3, "ok", "retention unlimited"),
        (replace(TOPIC, replication=1), 3, "warning", "the loss of a broker loses plays"),
        (replace(TOPIC, replication=1), 1, "ok", "replication factor 1"),
        (replace(TOPIC, retention_ms=None, timestamp_type=None), 3, "ok", "retention unknown"),
    ],
)
def test_a_topic_is_judged(
    settings: Settings, topic: TopicState, brokers: int, state: str, says: str
) -> None:
    [check] = installed._topic(settings.kafka.plays_topic, topic, settings, brokers=brokers)
    assert check.state == state
    assert says in check.found + check.fix


def test_servers_are_inspected_and_left_as_they_are(broker: Settings) -> None:
    state = inspect_kafka(broker.kafka)
    assert state.brokers == 1
    jar = re.search(r'name="kafka_2.13" rev="(\d+\.\d+)', (CONF / "ivy.xml").read_text())
    assert jar and state.version == jar[1]
    plays = state.topics[broker.kafka.plays_topic]
    assert (plays.partitions, plays.replication) == (broker.kafka.partitions, 1)
    assert plays.timestamp_type == "LogAppendTime"
    assert state.topics.keys() == {broker.kafka.plays_topic, broker.kafka.rejected_topic}
    other = broker.kafka.model_copy(update={"plays_topic": "not-there"})
    assert "not-there" not in inspect_kafka(other).topics
    assert "not-there" not in inspect_kafka(other).topics  # asking has not created it

    mongo = inspect_mongo(broker.mongo)
    assert mongo.replica_set and mongo.clock
    mongo_checks, job = installed._mongo(broker)
    assert job is None  # without users
    checks = installed._kafka(broker) + mongo_checks
    assert {check.name: check.state for check in checks if check.state != "ok"}.keys() <= {
        "index",
        f"topic {broker.kafka.plays_topic}",
        f"topic {broker.kafka.rejected_topic}",
    }
    assert named(checks, "index").state == "warning"


@pytest.fixture
def a_checkpoint(settings: Settings) -> Path:
    """The checkpoint of a query that has committed batch 1, made with the present settings."""
    folder = Path(settings.spark.checkpoint_location)
    for path, text in {
        "made_with/part-0": json.dumps(contract(settings)),
        "recommend/metadata": '{"id": "a"}',
        "recommend/offsets/0": 'v1\n{}\n{"plays": {}}',
        "recommend/commits/0": "v1\n{}",
        "recommend/offsets/1": 'v1\n{}\n{"plays": {}}',
        "recommend/commits/1": "v1\n{}",
    }.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text)
    return folder


def test_a_sound_checkpoint_of_the_same_settings(settings: Settings, a_checkpoint: Path) -> None:
    checks = checkpoint_checks(settings)
    assert [check.state for check in checks] == ["ok"] * 3
    assert str(a_checkpoint) in named(checks, "checkpoint").found


def test_a_checkpoint_of_other_settings(settings: Settings, a_checkpoint: Path) -> None:
    other = settings.kafka.model_copy(update={"plays_topic": "other"})
    found = named(checkpoint_checks(settings.model_copy(update={"kafka": other})), "checkpoint settings")
    assert (found.state, found.found) == ("problem", "made with kafka.plays_topic = plays, now it is other")
    assert "spark.checkpoint_location" in found.fix


@pytest.mark.parametrize(
    ("files", "state", "name", "fix"),
    [
        (("made_with/part-0",), "problem", "checkpoint settings", "stream repair"),
        (("recommend/offsets/1",), "problem", "checkpoint files of recommend", "stream repair"),
        (("recommend/commits/1",), "warning", "checkpoint files of recommend", "stream run"),
        (
            ("recommend/offsets/0", "recommend/offsets/1"),
            "problem",
            "checkpoint files of recommend",
            "stream repair",
        ),
    ],
)
def test_a_damaged_checkpoint(
    settings: Settings, a_checkpoint: Path, files: tuple[str, ...], state: str, name: str, fix: str
) -> None:
    for file in files:
        (a_checkpoint / file).write_text("\0\0")
    found = named(checkpoint_checks(settings), name)
    assert found.state == state
    assert files[-1] in found.found
    assert f"./run.sh {fix}" in found.fix


def test_a_checkpoint_elsewhere_and_a_new_one_are_not_read(settings: Settings) -> None:
    (new,) = checkpoint_checks(settings)
    assert (new.state, "new: the stream reads the topic" in new.found) == ("ok", True)
    spark = settings.spark.model_copy(update={"checkpoint_location": "hdfs://name/checkpoints"})
    (remote,) = checkpoint_checks(settings.model_copy(update={"spark": spark}))
    assert remote.found == "hdfs://name/checkpoints: remote, not checked"


def test_permissions_are_not_asked_for_without_a_user(settings: Settings) -> None:
    nobody = MongoState(version="7.0", replica_set="rs", clock=None)
    assert mongo_permissions("segue", nobody) == []
    assert kafka_permissions(settings.kafka, KafkaState(brokers=1, version="4.0", topics={})) == []


def test_an_administrator_has_all_permissions() -> None:
    root = {"resource": {"anyResource": True}, "actions": ["find", "insert", "update", "remove"]}
    index = {
        "resource": {"db": "", "collection": ""},
        "actions": ["createIndex", "listIndexes", "collMod", "listCollections"],
    }
    admin = MongoState(version="7.0", replica_set=None, clock=None, user="root", privileges=(root, index))
    (found,) = mongo_permissions("segue", admin)
    assert found.state == "ok"
    assert all(job in found.found for job in Job)
