"""A rejected record as the stream writes it, from a Python producer."""

from __future__ import annotations

from kafka import KafkaProducer

from segue.settings import KafkaSettings
from segue.storage.kafka import RejectedRecord
from segue.storage.kafka_client import client_options
from tests.waiting import PATIENCE


def write_rejected(kafka: KafkaSettings, record: RejectedRecord) -> None:
    fields = ("reason", "topic", "partition", "offset", "timestamp")
    producer = KafkaProducer(**client_options(kafka), acks="all")
    try:
        producer.send(
            kafka.rejected_topic,
            value=record.value,
            key=f"{record.topic}:{record.partition}:{record.offset}".encode(),
            headers=[(name, str(getattr(record, name)).encode()) for name in fields],
        ).get(PATIENCE)
    finally:
        producer.close()
