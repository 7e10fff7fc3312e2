"""Records that are dated in the future, by a broker or a producer whose clock is ahead."""

from __future__ import annotations

import time

from kafka import KafkaProducer
from kafka.admin import ConfigResource, KafkaAdminClient
from pymongo.database import Database
from pyspark.sql import SparkSession

from segue.settings import Settings
from segue.storage.kafka import read_rejected
from segue.storage.kafka_client import client_options
from segue.storage.mongo import Document
from segue.streaming_jobs import engagement, recommend, rejected_plays
from tests.plays.examples import encoded
from tests.streaming.conftest import run_until_all_is_taken, track_id

JOBS = (recommend, engagement, rejected_plays)
DAY = 86_400_000
MINUTE = 60_000


def dated_by_producers(settings: Settings) -> None:
    """Let the topic take the dates of its producers, however far in the future."""
    admin = KafkaAdminClient(**client_options(settings.kafka))
    values = {"message.timestamp.type": "CreateTime", "message.timestamp.after.max.ms": str(400 * DAY)}
    admin.alter_configs([ConfigResource("TOPIC", settings.kafka.plays_topic, values)])
    admin.close()


def send(settings: Settings, user: str, *, arrived: int, occurred: int) -> None:
    producer = KafkaProducer(**client_options(settings.kafka), acks="all")
    value = encoded(user_id=user, track_id=track_id(3), occurred_at=occurred)
    sent = producer.send(settings.kafka.plays_topic, value=value, timestamp_ms=arrived).get(60)
    assert sent.timestamp == arrived
    producer.close()


def test_a_clock_that_is_ahead_costs_no_later_play(
    spark: SparkSession, published: Settings, database: Database[Document]
) -> None:
    dated_by_producers(published)
    now = time.time_ns() // 1_000_000
    for ahead in (10 * MINUTE, 30 * DAY):
        send(published, "ada", arrived=now + ahead, occurred=now + ahead)
    run_until_all_is_taken(spark, published, JOBS)
    assert database.listening.distinct("user_id") == []
    # One batch moves the watermark, the next would drop plays behind it.
    for _ in range(2):
        send(published, "ada", arrived=now, occurred=now)
        send(published, "ben", arrived=now, occurred=now - 50 * MINUTE)
        run_until_all_is_taken(spark, published, JOBS)
    plays = {one["user_id"]: sum(row["plays"] for row in one["rows"]) for one in database.listening.find()}
    assert plays == {"ada": 2, "ben": 2}
    assert {one["_id"] for one in database.recommendations.find()} == {"ada", "ben"}
    kept = [(record.reason, record.timestamp - now) for record in read_rejected(published.kafka)]
    assert sorted(kept) == [("future_arrival", 10 * MINUTE), ("future_arrival", 30 * DAY)]
