"""The producer and the keeper of rejected records, against a real broker."""

from __future__ import annotations

import uuid
from datetime import timedelta

import pytest
from kafka import KafkaAdminClient
from kafka.admin import ConfigResource

from segue.errors import SegueError
from segue.plays.delivery import PlayProducer
from segue.plays.event import InvalidPlay
from segue.settings import KafkaSettings, Settings
from segue.storage.kafka import ensure_topics
from segue.storage.kafka_topics import keep_topics_in_line
from tests.plays.examples import a_play
from tests.waiting import PATIENCE


def test_the_producer_refuses_an_invalid_play(broker: Settings) -> None:
    with PlayProducer(broker.kafka) as producer:
        with pytest.raises(InvalidPlay, match="invalid_type: 'hum'"):
            producer.send(a_play(type="hum"))
        assert producer.send(a_play()).get(PATIENCE).topic == broker.kafka.plays_topic


def test_a_missing_broker_is_one_line_with_the_remedy(settings: Settings) -> None:
    nowhere = settings.kafka.model_copy(update={"bootstrap_servers": "127.0.0.1:1"})
    with pytest.raises(SegueError, match=r"127\.0\.0\.1:1 .*\./run\.sh up"):
        ensure_topics(nowhere)


def configs_of(settings: KafkaSettings, topic: str) -> dict[str, str]:
    admin = KafkaAdminClient(bootstrap_servers=settings.bootstrap_servers)
    found = admin.describe_configs([ConfigResource("TOPIC", topic)])["topic"][topic]
    admin.close()
    return {key: str(one["value"]) for key, one in found.items()}


def of_own_topics(kafka: KafkaSettings, **changed: str) -> KafkaSettings:
    name = f"own-{uuid.uuid4().hex[:8]}"
    topics = {"plays_topic": name, "rejected_topic": f"{name}.rejected"}
    return kafka.model_copy(update={**topics, **changed})


def test_a_topic_that_segue_creates_is_configured_and_not_changed_later(
    broker: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    kafka = of_own_topics(broker.kafka, manage_topics="auto")
    ensure_topics(kafka, broker.retention)
    made = configs_of(kafka, kafka.plays_topic)
    assert made["message.timestamp.type"] == "LogAppendTime"
    assert made["retention.ms"] == str(30 * 86_400_000)
    longer = broker.retention.model_copy(update={"plays": timedelta(days=40)})
    keep_topics_in_line(kafka, longer)
    assert configs_of(kafka, kafka.plays_topic) == made
    [line] = [record.getMessage() for record in caplog.records if kafka.plays_topic in record.getMessage()]
    assert f"--add-config retention.ms={40 * 86_400_000}" in line and "manage_topics" in line
    keep_topics_in_line(kafka.model_copy(update={"manage_topics": "on"}), longer)
    assert configs_of(kafka, kafka.plays_topic)["retention.ms"] == str(40 * 86_400_000)
    assert configs_of(kafka, kafka.plays_topic)["message.timestamp.type"] == "LogAppendTime"


def test_with_topics_unmanaged_a_missing_one_is_named_and_not_created(broker: Settings) -> None:
    kafka = of_own_topics(broker.kafka, manage_topics="off")
    with pytest.raises(SegueError, match=f"no topic {kafka.plays_topic}.*kafka-topics.sh --create") as caught:
        ensure_topics(kafka, broker.retention)
    assert "\n" not in str(caught.value)
    admin = KafkaAdminClient(bootstrap_servers=kafka.bootstrap_servers)
    assert kafka.plays_topic not in admin.list_topics()
    admin.close()
