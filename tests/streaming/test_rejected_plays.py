"""The query `rejected plays` and the reader of its topic, against a real broker and Spark."""

from __future__ import annotations

import shutil
import threading
import time
from pathlib import Path

import psutil
import pytest
from kafka import KafkaProducer
from kafka.admin import ConfigResource, KafkaAdminClient
from pyspark.sql import SparkSession

from segue.batch_jobs.rejected_plays import summary
from segue.plays.delivery import PlayProducer
from segue.settings import Settings
from segue.spark.session import sink_options
from segue.storage.kafka import RejectedRecord, read_rejected
from segue.storage.kafka_client import client_options
from segue.storage.kafka_records import records_of
from segue.streaming_jobs import query as queries
from segue.streaming_jobs import rejected_plays
from segue.streaming_jobs.metrics import Metrics
from segue.streaming_jobs.query import BatchGate
from segue.streaming_jobs.rejections import Rejections
from tests.plays.examples import a_play
from tests.storage.rejected import write_rejected
from tests.streaming.conftest import run_until_all_is_taken
from tests.streaming.rests import Rests
from tests.waiting import PATIENCE, until


def send(settings: Settings, values: list[bytes]) -> None:
    producer = KafkaProducer(**client_options(settings.kafka), acks="all", max_request_size=4_000_000)
    for value in values:
        producer.send(settings.kafka.plays_topic, value=value, partition=0)
    producer.flush()
    producer.close()


def send_nothing(spark: SparkSession, settings: Settings) -> None:
    """A record without key and value, which kafka-python refuses to send."""
    rows = spark.createDataFrame([(None, 0)], "value binary, partition int")
    writer = rows.write.format("kafka").options(**sink_options(settings.kafka, largest=2**20))
    writer.option("topic", settings.kafka.plays_topic).save()


def take(spark: SparkSession, settings: Settings) -> None:
    run_until_all_is_taken(spark, settings, (rejected_plays,))


def kept(settings: Settings) -> list[RejectedRecord]:
    found = read_rejected(settings.kafka)
    return sorted(found, key=lambda record: (record.topic, record.partition, record.offset))


def test_a_record_comes_back_as_it_came(spark: SparkSession, broker: Settings) -> None:
    values = [b"\xff\x00", b"x" * 1_048_576, b"{"]
    send(broker, values)
    send_nothing(spark, broker)
    take(spark, broker)
    records = kept(broker)
    assert [record.value for record in records] == [*values, None]
    assert [record.reason for record in records] == ["not_utf8", "too_large", "malformed", "empty"]
    assert [record.offset for record in records] == [0, 1, 2, 3]
    assert {record.topic for record in records} == {broker.kafka.plays_topic}
    [first, *_] = records_of(broker.kafka, broker.kafka.plays_topic)
    assert records[0].timestamp == first.timestamp


def test_a_repeated_batch_loses_nothing_and_its_copies_count_once(
    spark: SparkSession, broker: Settings
) -> None:
    send(broker, [b"one", b"two"])
    take(spark, broker)
    checkpoint = Path(broker.spark.checkpoint_location) / "rejected_plays"
    for commit in (checkpoint / "commits").glob("*0*"):
        commit.unlink()  # a crash before the commit
    send(broker, [b"three"])
    take(spark, broker)
    assert [record.value for record in kept(broker)] == [b"one", b"two", b"three"]
    shutil.rmtree(checkpoint)  # a new checkpoint reads the topic from its beginning
    take(spark, broker)
    assert [record.value for record in kept(broker)] == [b"one", b"two", b"three"]
    written = list(records_of(broker.kafka, broker.kafka.rejected_topic))
    assert len(written) > 3, "the batches were in fact repeated"
    assert {record.key.decode() for record in written} == {
        f"{broker.kafka.plays_topic}:0:{offset}" for offset in range(3)
    }


def test_after_a_long_batch_the_cores_are_left_to_others(
    spark: SparkSession, broker: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def rests(*, longer_than: float) -> list[float]:
        monkeypatch.setattr(queries, "_LONG_SECONDS", longer_than)
        send(broker, [b"one", b"two"])
        gate = Rests()
        began = time.monotonic()
        query = rejected_plays.start(spark, broker, gate=gate)
        try:
            query.processAllAvailable()
        finally:
            query.stop()
        assert sum(gate.seconds) <= 3 * (time.monotonic() - began)
        return gate.seconds

    assert len(rests(longer_than=0.0)) == 1
    assert rests(longer_than=60.0) == []


def test_a_pause_ends_with_the_stream() -> None:
    gate = BatchGate()
    gate.close()
    began = time.monotonic()
    gate.rest(60)
    assert time.monotonic() - began < 30


def test_a_record_of_a_topic_that_was_created_again_is_another_one(broker: Settings) -> None:
    first = RejectedRecord(
        reason="malformed", topic=broker.kafka.plays_topic, partition=0, offset=0, timestamp=17, value=b"one"
    )
    again = RejectedRecord(
        reason="malformed", topic=broker.kafka.plays_topic, partition=0, offset=0, timestamp=18, value=b"two"
    )
    for record in (first, again, again):
        write_rejected(broker.kafka, record)
    assert sorted(record.value or b"" for record in read_rejected(broker.kafka)) == [b"one", b"two"]


def test_a_transaction_that_a_former_version_left_open_hides_nothing(
    spark: SparkSession, broker: Settings
) -> None:
    crashed = KafkaProducer(
        **client_options(broker.kafka), transactional_id="segue-former", transaction_timeout_ms=1000
    )
    crashed.init_transactions()
    crashed.begin_transaction()
    half = crashed.send(broker.kafka.rejected_topic, value=b"half", headers=[("reason", b"x")])
    half.get(PATIENCE)
    send(broker, [b"junk"])
    take(spark, broker)
    until(lambda: [record.value for record in kept(broker)] == [b"junk"], "the broker ends the transaction")
    crashed.close()


def test_a_broker_that_does_not_answer_costs_no_record_and_doubles_none(
    spark: SparkSession, broker: Settings, bootstrap: str
) -> None:
    send(broker, [b"one"])
    take(spark, broker)
    send(broker, [b"two", b"three"])
    query = rejected_plays.start(spark, broker, gate=Rests())
    process = serving(bootstrap)
    process.suspend()
    resume = threading.Timer(5, process.resume)
    resume.start()
    try:
        query.processAllAvailable()
    finally:
        resume.join()
        query.stop()
    assert [record.value for record in kept(broker)] == [b"one", b"two", b"three"]


def serving(address: str) -> psutil.Process:
    """The process that listens there."""
    port = int(address.rpartition(":")[2])
    for one in psutil.net_connections("tcp"):
        if one.status == psutil.CONN_LISTEN and one.laddr and one.laddr.port == port and one.pid:
            return psutil.Process(one.pid)
    raise AssertionError(f"nothing listens at {address}")


def test_a_record_that_the_topic_refuses_is_cut(spark: SparkSession, broker: Settings) -> None:
    admin = KafkaAdminClient(**client_options(broker.kafka))
    limit = ConfigResource("TOPIC", broker.kafka.rejected_topic, configs={"max.message.bytes": "200000"})
    admin.alter_configs([limit])
    admin.close()
    value = bytes(range(256)) * 2000
    send(broker, [value, b"small"])
    take(spark, broker)
    [cut, small] = kept(broker)
    assert cut.value and value.startswith(cut.value) and len(cut.value) > 100_000
    assert (cut.size, cut.reason) == (len(value), "too_large")
    assert (small.value, small.size) == (b"small", None)


def test_records_of_others_in_the_topic_are_skipped_and_counted(
    spark: SparkSession, broker: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    producer = KafkaProducer(**client_options(broker.kafka), acks="all")
    topic = broker.kafka.rejected_topic
    producer.send(topic, value=b"no headers")
    producer.send(topic, key=b"key")
    producer.send(topic, value=b"x", headers=[("reason", b""), ("topic", b"\xff")])
    producer.send(topic, value=b"x", headers=[("reason", b"late"), ("topic", b"t"), ("partition", b"one")])
    producer.flush()
    producer.close()
    send(broker, [b"junk"])
    take(spark, broker)
    assert [record.value for record in kept(broker)] == [b"junk"]
    assert f"topic {topic}: 4 records are not from Segue" in caplog.text


def test_reasons_are_counted_without_the_records(spark: SparkSession, broker: Settings) -> None:
    counted: dict[str, int] = {}
    report = {"one_of_1": 3, "malformed": 2, "empty": 1, "late": 0}
    Rejections(count=counted.__setitem__, dropped=lambda number: None).reported(0, report)
    assert counted == {"malformed": 2, "empty": 1}
    send(broker, [b"one", b"two"])
    send_nothing(spark, broker)
    with PlayProducer(broker.kafka) as producer:
        producer.send(a_play())
    query = rejected_plays.start(spark, broker, metrics=Metrics(), gate=Rests())
    query.processAllAvailable()
    observed: dict[str, int] = {}
    for progress in query.recentProgress:
        for name, number in progress.observedMetrics.get("rejected", ()) and (
            progress.observedMetrics["rejected"].asDict().items()
        ):
            observed[name] = observed.get(name, 0) + number
    query.stop()
    assert {name: number for name, number in observed.items() if number and "one_of" not in name} == {
        "malformed": 2,
        "empty": 1,
    }
    assert observed["one_of_1"] == 3


def test_above_the_limit_a_sample_is_kept_and_all_are_counted() -> None:
    now, counted, dropped = [0.0], dict[str, int](), list[int]()
    rejections = Rejections(count=counted.__setitem__, dropped=dropped.append, clock=lambda: now[0])
    assert rejections.share(0, limit=100) == 1, "nothing is known before the first report"
    rejections.reported(0, {"malformed": 5000, "one_of_1": 5000, "one_of_10": 501})
    now[0] = 5.0
    assert rejections.share(1, limit=100) == 10, "1,000 a second"
    rejections.reported(1, {"malformed": 400_000, "one_of_1": 400_000, "one_of_10": 40_001})
    now[0] = 10.0
    assert rejections.share(2, limit=100) == 1000, "80,000 a second"
    assert rejections.share(2, limit=0) == 1, "no limit"
    assert (counted, dropped) == ({"malformed": 400_000}, [0, 359_999])


def test_a_sample_says_how_many_it_stands_for(spark: SparkSession, broker: Settings) -> None:
    send(broker, [b"%d" % number for number in range(25)])
    records = (
        spark.read.format("kafka")
        .option("kafka.bootstrap.servers", broker.kafka.bootstrap_servers)
        .option("subscribe", broker.kafka.plays_topic)
        .load()
    )
    faulty = rejected_plays.transform(records, settings=broker)
    rows = rejected_plays.as_kept(faulty, one_of=10).collect()
    assert sorted(bytes(row.value) for row in rows) == [b"0", b"10", b"20"]
    assert [dict(map(tuple, row.headers))["one_of"] for row in rows] == [b"10"] * 3
    sampled = [
        RejectedRecord(
            reason="late", topic="plays", partition=0, offset=n, timestamp=n, value=b"x", one_of=one_of
        )
        for n, one_of in ((0, 1), (10, 10), (20, 10))
    ]
    assert summary(sampled, limit=2).counts == {"late": 21}
    assert [record.offset for record in summary(sampled, limit=2).newest] == [10, 20]
