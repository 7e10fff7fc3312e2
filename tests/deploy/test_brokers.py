"""The brokers of deploy/compose, by their own configuration: one of the three, alone, on this machine."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import SecretStr

from segue.deploy.access import job_access
from segue.errors import SegueError
from segue.local import process
from segue.local.jars import ensure_jars
from segue.local.kafka import Broker
from segue.plays.delivery import PlayProducer
from segue.settings import KafkaSettings, load_settings
from segue.storage import kafka_users
from segue.storage.access import read_login
from segue.storage.kafka import ensure_topics
from segue.storage.store import Job
from tests.deploy.conftest import Machine
from tests.plays.examples import a_play
from tests.waiting import PATIENCE

pytestmark = pytest.mark.integration


class OneOfThree(Broker):
    """Its addresses are this machine's, and it needs no other to agree; all else is as deployed."""

    def __init__(self, folder: Path, properties: str) -> None:
        super().__init__(folder)
        self._deployed = properties

    def _write_properties(self, port: int, controller_port: int) -> None:
        between = process.free_port(port + 2000)
        text = self._deployed
        for old, new in (
            (r"^controller.quorum.voters=.*", f"controller.quorum.voters=1@127.0.0.1:{controller_port}"),
            (r":9092|kafka-1:9092", f"127.0.0.1:{port}"),
            (r":9093", f"127.0.0.1:{controller_port}"),
            (r":9094", f"127.0.0.1:{between}"),
            (r"kafka-1(?=127)", ""),
            (r"^log.dirs=.*", "log.dirs=data"),
            (r"(replication.factor|min.insync.replicas|min.isr)=[23]", r"\1=1"),
        ):
            text = re.sub(old, new, text, flags=re.MULTILINE)
        # That it answers is asked without a user.
        text += f"""
listeners=CLIENTS://127.0.0.1:{port + 5},ASKED://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller_port},\
BROKERS://127.0.0.1:{between}
advertised.listeners=CLIENTS://127.0.0.1:{port + 5},ASKED://127.0.0.1:{port},BROKERS://127.0.0.1:{between}
listener.security.protocol.map=CLIENTS:SASL_PLAINTEXT,CONTROLLER:SASL_PLAINTEXT,BROKERS:SASL_PLAINTEXT,\
ASKED:PLAINTEXT
log.cleaner.dedupe.buffer.size=16777216
"""
        process.write_text(self.folder / "server.properties", text)


@pytest.fixture
def deployed(machine: Machine, music: str) -> Path:
    """The folder of a deployment."""
    machine.stand_in("docker", "curl")
    assert machine.deploy("compose", "--music", music).returncode == 0
    return machine.folder


@pytest.fixture
def kafka(deployed: Path, tmp_path: Path) -> Iterator[KafkaSettings]:
    """Settings of the administrator."""
    ensure_jars()
    broker = OneOfThree(tmp_path / "kafka", (deployed / "secrets/kafka-1.properties").read_text())
    asked = broker.start()
    host, _, port = asked.rpartition(":")
    login = read_login(deployed / "secrets/admin.toml", "kafka")
    yield load_settings().kafka.model_copy(
        update={
            "bootstrap_servers": f"{host}:{int(port) + 5}",
            "security_protocol": "sasl_plaintext",
            "sasl_mechanism": "PLAIN",
            "username": login.username,
            "password": login.password,
        }
    )
    broker.stop()


def test_users_log_in_with_the_passwords_of_the_deployment(kafka: KafkaSettings, deployed: Path) -> None:
    ensure_topics(kafka)
    login = read_login(deployed / "secrets/dashboard.toml", "kafka")
    kafka_users.grant(kafka, job_access()[Job.DASHBOARD].kafka, login)
    scram = {"sasl_mechanism": "SCRAM-SHA-512", "username": login.username}
    dashboard = kafka.model_copy(update={**scram, "password": login.password})
    with PlayProducer(dashboard) as producer:
        assert producer.send(a_play()).get(PATIENCE).topic == kafka.plays_topic
    for wrong in ({"password": SecretStr("wrong")}, {"username": "segue-stream"}, {"username": "broker"}):
        with pytest.raises(SegueError, match="refused the user"):
            PlayProducer(dashboard.model_copy(update=wrong))


def test_the_three_differ_in_name_only(deployed: Path) -> None:
    texts = [(deployed / f"secrets/kafka-{node}.properties").read_text() for node in (1, 2, 3)]
    assert "@" not in re.sub(r"\d@kafka-\d|^#.*", "", texts[0], flags=re.MULTILINE)
    shared = {re.sub(r"^(node.id|advertised.listeners)=.*", "", text, flags=re.MULTILINE) for text in texts}
    assert len(shared) == 1
    assert [re.findall(r"^node.id=(.*)", text, re.MULTILINE) for text in texts] == [["1"], ["2"], ["3"]]
