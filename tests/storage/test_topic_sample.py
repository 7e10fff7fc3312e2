"""Samples of topics, against a real broker."""

from __future__ import annotations

from kafka import KafkaAdminClient

from segue.settings import Settings
from segue.storage.kafka import RecordProducer, ensure_topics
from segue.storage.topic_sample import TopicSampler
from tests.waiting import PATIENCE


def test_a_sample_has_identity_and_offsets(broker: Settings) -> None:
    plays = broker.kafka.plays_topic
    with RecordProducer(broker.kafka, topic=plays) as producer:
        producer.deliver_bytes([(b"1", b"a"), (b"2", b"a"), (b"3", b"b")], seconds=PATIENCE)
    sampler = TopicSampler(broker.kafka, [plays, broker.kafka.rejected_topic, "no-such-topic"])
    found = sampler.sample()
    sampler.close()
    assert found.keys() == {plays, broker.kafka.rejected_topic}
    assert found[plays].id and found[plays].id != found[broker.kafka.rejected_topic].id
    assert sum(found[plays].ends.values()) == found[plays].end == 3
    assert set(found[plays].begins) == set(found[plays].ends) == set(range(broker.kafka.partitions))


def test_a_topic_that_is_created_again_has_another_identity(broker: Settings) -> None:
    plays = broker.kafka.plays_topic
    sampler = TopicSampler(broker.kafka, [plays])
    before = sampler.sample()[plays]
    admin = KafkaAdminClient(bootstrap_servers=broker.kafka.bootstrap_servers)
    admin.delete_topics([plays])
    admin.close()
    assert sampler.sample() == {}
    ensure_topics(broker.kafka)
    after = sampler.sample()[plays]
    sampler.close()
    assert (after.begins, after.ends) == (before.begins, before.ends)
    assert after.id != before.id
