"""`./run.sh doctor` on a machine where nothing runs, and with real servers."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner

from segue.cli.main import app
from segue.doctor import installed, machine
from segue.doctor.check import Check, failed, lines, ok, problem, warning
from segue.doctor.machine import machine_checks
from segue.places import ROOT
from segue.settings import Settings
from segue.storage.inspection import TopicState, inspect_kafka, inspect_mongo

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
    monkeypatch.setattr("segue.local.kafka.Broker.bootstrap", lambda self: None)
    monkeypatch.setattr("segue.local.mongod.Mongod.uri", lambda self: None)
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
        (replace(TOPIC, replication=1), 3, "warning", "one lost broker loses plays"),
        (replace(TOPIC, replication=1), 1, "ok", "replication factor 1"),
        (replace(TOPIC, retention_ms=None, timestamp_type=None), 3, "ok", "retention unknown"),
    ],
)
def test_a_topic_is_judged(
    settings: Settings, topic: TopicState, brokers: int, state: str, says: str
) -> None:
    kafka = settings.kafka
    check = installed._topic(kafka.plays_topic, topic, kafka=kafka, kept=timedelta(days=30), brokers=brokers)
    assert check.state == state
    assert says in check.found + check.fix


def test_servers_are_inspected_and_left_as_they_are(broker: Settings) -> None:
    state = inspect_kafka(broker.kafka)
    assert state.brokers == 1
    plays = state.topics[broker.kafka.plays_topic]
    assert (plays.partitions, plays.replication) == (broker.kafka.partitions, 1)
    assert plays.timestamp_type == "LogAppendTime"
    assert state.topics.keys() == {broker.kafka.plays_topic, broker.kafka.rejected_topic}
    other = broker.kafka.model_copy(update={"plays_topic": "not-there"})
    assert "not-there" not in inspect_kafka(other).topics
    assert "not-there" not in inspect_kafka(other).topics  # asking has not created it

    mongo = inspect_mongo(broker.mongo)
    assert mongo.replica_set and mongo.clock
    checks = installed._kafka(broker) + installed._mongo(broker)
    assert {check.name: check.state for check in checks if check.state != "ok"}.keys() <= {
        "index",
        f"topic {broker.kafka.plays_topic}",
        f"topic {broker.kafka.rejected_topic}",
    }
    assert named(checks, "index").state == "warning"
