"""The producer of malformed records: as many as asked for, in all partitions, each of them no play."""

from __future__ import annotations

import json
from collections import Counter

import pytest
from kafka import KafkaConsumer, TopicPartition

from segue.benchmarks.flooding import RECORD_BYTES, Flooder, malformed
from segue.settings import Settings
from segue.storage.kafka_topics import end_offsets

pytestmark = pytest.mark.integration


def test_a_flood_has_the_records_that_were_asked_for(broker: Settings) -> None:
    with Flooder(broker.kafka) as flooder:
        flooder.flood(broker.kafka.plays_topic, count=1_003, rate=10_000)
    ends = end_offsets(broker.kafka)
    assert sum(ends.values()) == 1_003
    assert min(ends.values()) > 0
    consumer = KafkaConsumer(bootstrap_servers=broker.kafka.bootstrap_servers, auto_offset_reset="earliest")
    consumer.assign([TopicPartition(broker.kafka.plays_topic, partition) for partition in ends])
    values = [next(consumer).value for _ in range(1_003)]
    consumer.close()
    assert {len(value) for value in values} == {RECORD_BYTES}
    assert len(set(values)) > 1


def test_no_record_is_a_play() -> None:
    kinds = Counter(_kind(malformed(number)) for number in range(40))
    assert kinds == {"no UTF-8": 10, "no JSON": 20, "JSON": 10}


def _kind(record: bytes) -> str:
    try:
        found = json.loads(record.decode())
    except UnicodeDecodeError:
        return "no UTF-8"
    except ValueError:
        return "no JSON"
    assert "event_id" not in found
    return "JSON"
