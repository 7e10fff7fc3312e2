"""Records of any producer in our topics: every reader takes the plays, skips the rest, and counts it."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest
from kafka import KafkaProducer
from pymongo.database import Database
from pyspark.sql import SparkSession

from segue.batch_jobs import recount_engagement, train_models
from segue.benchmarks.plain_consumer import consume
from segue.plays.delivery import PlayProducer
from segue.privacy.export import archive
from segue.settings import Settings
from segue.spark.recorded import plays_of_those_here, recorded
from segue.spark.session import sink_options
from segue.storage import kafka_records
from segue.storage.kafka import read_rejected
from segue.storage.kafka_client import client_options
from segue.storage.kafka_records import consuming, likely_plays_of, place_of, places_of, plays_of, records_of
from segue.storage.kafka_topics import end_offsets, truncated_at
from segue.storage.mongo import Document
from segue.storage.store import Store
from segue.streaming_jobs import engagement, recommend, rejected_plays
from tests.plays.examples import encoded
from tests.streaming.conftest import run_until_all_is_taken, track_id
from tests.waiting import PATIENCE

CODECS = ("none", "gzip", "snappy", "lz4", "zstd")
JOBS = (recommend, engagement, rejected_plays)
JUNK = (
    b"",
    b"\x00",
    bytes(range(256)),
    b"[" * 1500,
    b'{"user_id":' * 900,
    b"9" * 5000,
    b'"play"',
    b"null",
    b"{}",
    json.dumps({"user_id": "ada", "track_id": {"nested": ["deeply"]}}).encode(),
    encoded(user_id="ada").decode().encode("utf-16"),
    encoded(user_id="ada").decode().encode("utf-32"),
    b"\xef\xbb\xbf" + encoded(user_id=7),
    encoded(user_id="ada", type="hum") + b"\x00",
    b'{"user_id": "ada", "track_id": "\\ud800"}',
    b"x" * 2_000_000,
)
KEYS = (None, b"", b"\xff\xfe", b"k" * 100_000)


class Undecodable(str):
    """The name of a header whose bytes are not UTF-8, as a client in another language may send it."""

    def encode(self, *_: str) -> bytes:
        return b"\xff\xfe"


@contextmanager
def producer_to(settings: Settings, **options: object) -> Iterator[KafkaProducer]:
    producer = KafkaProducer(
        **client_options(settings.kafka), acks="all", max_request_size=3_000_000, **options
    )
    yield producer
    producer.flush()
    producer.close()


def a_play_of(user: str) -> bytes:
    return encoded(user_id=user, track_id=track_id(3), occurred_at=time.time_ns() // 1_000_000)


def users_of_every_reader(
    spark: SparkSession, settings: Settings, database: Database[Document], users: set[str]
) -> dict[str, set[str]]:
    """The listeners, of those asked for, whose plays each reader of the topic of plays sees."""
    run_until_all_is_taken(spark, settings, JOBS)
    batch = plays_of_those_here(recorded(spark, settings), stream=settings.stream)
    ends = end_offsets(settings.kafka)
    trained = train_models.transform(recorded(spark, settings), settings=settings, ends=ends)
    counted = set(database.listening.distinct("user_id"))
    database.listening.delete_many({})
    recount_engagement.run(settings, spark=spark, quiet=True)
    return {
        "recommend": {one["_id"] for one in database.recommendations.find()},
        "engagement": counted,
        "recount": set(database.listening.distinct("user_id")),
        "batch": {row.user_id for row in batch.collect()},
        "training": {row.user_id for row in trained.select("user_id").collect()},
        "export": {user for user in users if list(plays_of(settings.kafka, user))},
    }


def test_every_reader_reads_every_codec_of_every_client(
    spark: SparkSession, published: Settings, database: Database[Document]
) -> None:
    users = {f"{client}-{codec}" for client in ("python", "java") for codec in CODECS}
    for codec in CODECS:
        with producer_to(published, compression_type=None if codec == "none" else codec) as producer:
            # Compressed batches of more than a megabyte, too.
            producer.send(published.kafka.plays_topic, value=a_play_of(f"python-{codec}"))
            producer.send(published.kafka.plays_topic, value=b"p" * 1_500_000)
            producer.send(published.kafka.rejected_topic, value=b"not from Segue")
        rows = spark.createDataFrame([(a_play_of(f"java-{codec}"),), (b"j" * 1_500_000,)], "value binary")
        options = sink_options(published.kafka, largest=3_000_000)
        writer = rows.coalesce(1).write.format("kafka").options(**options)
        writer.option("kafka.compression.type", codec).option("topic", published.kafka.plays_topic).save()
    found = users_of_every_reader(spark, published, database, users)
    assert found == dict.fromkeys(found, users)
    rejected = [record.value for record in read_rejected(published.kafka)]
    assert sorted(value[:1] for value in rejected if value) == [b"j"] * 5 + [b"p"] * 5
    assert len(list(records_of(published.kafka, published.kafka.plays_topic))) == 20


def test_the_export_of_a_listener_does_not_read_the_whole_topic(
    published: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It did, of which anybody could be the cause."""
    monkeypatch.setattr(kafka_records, "_IN_PLACE", 1)
    topic, users = published.kafka.plays_topic, ("ada", "ben", "cleo", "dora", "eve")
    with PlayProducer(published.kafka) as producer:
        for user in users:
            for _ in range(3):
                producer.send_bytes(a_play_of(user), key=user.encode()).get(timeout=PATIENCE)
    with consuming(published.kafka) as consumer:
        places = places_of(consumer, topic)
        own = {user: place_of(user.encode(), places).partition for user in users}
    assert len(set(own.values())) > 1
    # A play of each in the partition of another one, after records that lie where they belong.
    with producer_to(published) as foreign:
        for user in users:
            other = next(number for number in own.values() if number != own[user])
            foreign.send(topic, value=a_play_of(user), key=b"another", partition=other)
    for user in users:
        plays, whole = likely_plays_of(published.kafka, user)
        assert whole
        assert len(plays) == 3
        assert len(list(plays_of(published.kafka, user))) == 4


def test_an_export_has_the_plays_from_before_the_topic_got_more_partitions(
    published: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They lie in another partition than newer plays of the listener."""
    topic, users = published.kafka.plays_topic, ("ada", "ben", "cleo", "dora", "eve")
    with consuming(published.kafka) as consumer:
        places = places_of(consumer, topic)
    fewer = places[: len(places) // 2]
    assert fewer
    with producer_to(published) as former:
        for user in users:
            partition = place_of(user.encode(), fewer).partition
            for _ in range(2):
                former.send(topic, value=a_play_of(user), key=user.encode(), partition=partition)
    with PlayProducer(published.kafka) as producer:
        for user in users:
            producer.send_bytes(a_play_of(user), key=user.encode()).get(timeout=PATIENCE)
    moved = [user for user in users if place_of(user.encode(), places) not in fewer]
    assert moved
    for user in users:
        plays, whole = likely_plays_of(published.kafka, user)
        assert whole
        assert len(plays) == 3
    monkeypatch.setattr(kafka_records, "_ELSEWHERE", 1)
    plays, whole = likely_plays_of(published.kafka, moved[0])
    assert not whole
    assert len(plays) < 3


def test_foreign_records_stop_no_reader_and_each_is_kept_with_its_reason(
    spark: SparkSession,
    published: Settings,
    database: Database[Document],
    caplog: pytest.LogCaptureFixture,
) -> None:
    topic = published.kafka.plays_topic
    with producer_to(published) as producer:
        for number, value in enumerate(JUNK):
            producer.send(topic, value=value, key=KEYS[number % len(KEYS)], partition=0)
        producer.send(topic, value=None, key=b"", partition=0)
        producer.send(topic, value=None, key=b"\xff", partition=0)  # a tombstone, of no listener
        producer.send(topic, value=a_play_of("ada"), key=b"another", partition=0, headers=[("x", b"\xff")])
        producer.send(topic, value=a_play_of("ben"), partition=1)
        producer.send(topic, value=b"junk", partition=1, headers=[(Undecodable("h"), b"")])
        producer.flush()
        producer.send(topic, value=a_play_of("cleo"), partition=1)
    found = users_of_every_reader(spark, published, database, {"ada", "ben", "cleo"})
    assert found == {reader: {"ada", "ben", "cleo"} for reader in found}
    kept = [record.value for record in read_rejected(published.kafka)]
    assert sorted(kept, key=repr) == sorted([*JUNK, b"junk"], key=repr)
    assert "1 records cannot be decoded" in caplog.text
    # A play with half of a surrogate pair is in the listener's export.
    exported = archive(Store(database), "ada", plays=plays_of(published.kafka, "ada"))
    assert len(exported) > 0
    assert truncated_at(published.kafka) is None


def test_records_of_aborted_transactions_are_no_plays(
    spark: SparkSession, published: Settings, database: Database[Document]
) -> None:
    topic, rejected = published.kafka.plays_topic, published.kafka.rejected_topic
    with producer_to(published, transactional_id=f"shop-{topic}", transaction_timeout_ms=2000) as producer:
        producer.init_transactions()
        for user, end in (
            ("aborted", producer.abort_transaction),
            ("committed", producer.commit_transaction),
            ("again", producer.abort_transaction),
        ):
            producer.begin_transaction()
            for partition in range(published.kafka.partitions):
                producer.send(topic, value=a_play_of(user), partition=partition).get(60)
                producer.send(topic, value=f"junk of {user}".encode(), partition=partition).get(60)
            producer.send(rejected, value=f"junk of {user}".encode()).get(60)
            end()
    found = users_of_every_reader(spark, published, database, {"aborted", "committed", "again"})
    assert found == {reader: {"committed"} for reader in found}
    kept = [record.value for record in read_rejected(published.kafka)]
    assert kept == [b"junk of committed"] * published.kafka.partitions
    assert len(list(records_of(published.kafka, topic))) == 2 * published.kafka.partitions
    assert len(list(records_of(published.kafka, rejected))) == published.kafka.partitions + 1


def test_the_plain_consumer_of_the_benchmarks_reads_the_same(
    published: Settings, database: Database[Document]
) -> None:
    class StopWhen:
        def __init__(self, done: Callable[[], bool]) -> None:
            self.is_set = done

    topic = published.kafka.plays_topic
    with producer_to(published, compression_type="zstd") as producer:
        for value in (*JUNK, None, a_play_of("ada")):
            producer.send(topic, value=value, key=b"any", partition=0)
    stream = published.stream.model_copy(update={"fetch_max_wait": timedelta(milliseconds=5)})
    settings = published.model_copy(update={"stream": stream})
    consume(settings, StopWhen(lambda: database.recommendations.count_documents({}) > 0))  # type: ignore[arg-type]
    assert [one["_id"] for one in database.recommendations.find()] == ["ada"]
