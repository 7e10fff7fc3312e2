"""The topics are checked: each fault has a line with its remedy, and nothing is changed."""

from __future__ import annotations

from dataclasses import replace

import pytest
from kafka import KafkaAdminClient
from kafka.admin import ConfigResource

from segue.settings import Settings, load_settings
from segue.storage.inspection import TopicState, inspect_kafka
from segue.storage.topic_faults import TopicFault, faults, report
from tests.storage.test_kafka import configs_of
from tests.waiting import until

GOOD = TopicState(
    partitions=4,
    replication=3,
    timestamp_type="LogAppendTime",
    retention_ms=30 * 86_400_000,
    retention_bytes=-1,
    cleanup_policy="delete",
    max_message_bytes=5_000_000,
    min_insync_replicas=2,
    unclean_election=False,
)


def judged(topic: TopicState, *, name: str = "plays", brokers: int = 3) -> list[TopicFault]:
    return faults(name, topic, load_settings(), brokers)


@pytest.mark.parametrize("name", ["plays", "plays.rejected"])
def test_a_good_topic_has_no_fault(name: str) -> None:
    assert judged(GOOD, name=name) == []


def test_a_topic_whose_configuration_may_not_be_read_has_no_fault() -> None:
    assert judged(TopicState(partitions=4, replication=3, timestamp_type=None, retention_ms=None)) == []


@pytest.mark.parametrize(
    ("wrong", "key", "remedy", "severe"),
    [
        ({"timestamp_type": "CreateTime"}, "message.timestamp.type", "=LogAppendTime", True),
        ({"cleanup_policy": "compact,delete"}, "cleanup.policy", "=delete", True),
        ({"retention_ms": 3_600_000}, "retention.ms", "=2592000000", False),
        ({"retention_bytes": 1_000_000}, "retention.bytes", "=-1", False),
        ({"max_message_bytes": 1000}, "max.message.bytes", "=65536", False),
        ({"min_insync_replicas": 4}, "min.insync.replicas", "=2", True),
        ({"min_insync_replicas": 3}, "min.insync.replicas", "=2", False),
        ({"min_insync_replicas": 1}, "min.insync.replicas", "=2", False),
        ({"unclean_election": True}, "unclean.leader.election.enable", "=false", False),
        ({"replication": 1, "min_insync_replicas": 1}, "replication.factor", "reassign", False),
        ({"partitions": 1}, "partitions", "--partitions 4", False),
    ],
)
def test_each_fault_has_one_line_with_its_remedy(
    wrong: dict[str, object], key: str, remedy: str, severe: bool
) -> None:
    [fault] = judged(replace(GOOD, **wrong))  # type: ignore[arg-type]
    assert (fault.key, fault.severe) == (key, severe)
    assert remedy in fault.remedy
    assert "plays" in fault.line and "\n" not in fault.line


def test_faults_are_reported_and_the_topic_stays_as_it_is(
    broker: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    plays = broker.kafka.plays_topic
    admin = KafkaAdminClient(bootstrap_servers=broker.kafka.bootstrap_servers)
    admin.alter_configs([ConfigResource("TOPIC", plays, configs={"cleanup.policy": "compact"})])
    admin.close()
    # A broker answers with the old configuration until the change has reached it.
    until(lambda: configs_of(broker.kafka, plays).get("cleanup.policy") == "compact", "the change to apply")
    before = configs_of(broker.kafka, plays)
    assert inspect_kafka(broker.kafka).topics[plays].cleanup_policy == "compact"
    report(broker)
    lines = [record.getMessage() for record in caplog.records if f"topic {plays}:" in record.getMessage()]
    [line] = [line for line in lines if "cleanup.policy" in line]
    assert "cleanup.policy is compact" in line and "--add-config cleanup.policy=delete" in line
    assert configs_of(broker.kafka, plays) == before
