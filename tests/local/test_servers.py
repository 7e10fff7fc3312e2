"""The embedded servers start for real, survive an unclean end, and move when their port is taken."""

from __future__ import annotations

import os
import signal
import socketserver
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer, TopicPartition
from pymongo import MongoClient

from segue.local import process, stack
from segue.local.kafka import Broker
from segue.local.mongod import Mongod
from segue.plays.delivery import PlayProducer
from segue.settings import load_settings
from segue.storage.kafka_topics import end_offsets
from tests.waiting import until

pytestmark = pytest.mark.integration
TWO_MEGABYTES = b"x" * 2_097_152


def _kill(record_file: Path, *, port: int) -> None:
    record = process.read_record(record_file)
    assert record is not None
    os.kill(record.pid, signal.SIGKILL)
    until(lambda: not process.running(record) and process.port_is_free(port), "the server to end")


class _HangUp(socketserver.BaseRequestHandler):
    """Another program, which does not understand the request."""

    def handle(self) -> None:
        self.request.close()


class _Other(socketserver.ThreadingTCPServer):
    allow_reuse_address = True


@contextmanager
def _occupied(port: int) -> Iterator[None]:
    with _Other(("127.0.0.1", port), _HangUp) as other:
        threading.Thread(target=other.serve_forever, daemon=True).start()
        yield
        other.shutdown()


@pytest.fixture
def mongod(tmp_path: Path) -> Iterator[Mongod]:
    server = Mongod(tmp_path / "with a space")
    yield server
    server.stop()


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    server = Broker(tmp_path / "with a space, and a comma")
    yield server
    server.stop()


def test_mongod_survives_a_kill_and_a_taken_port(mongod: Mongod) -> None:
    assert mongod.address() is None
    uri = mongod.start()
    assert mongod.address() == uri
    assert mongod.start() == uri, "a second start finds it running"
    client: MongoClient[dict[str, Any]] = MongoClient(uri)
    with client, client.test.plays.watch() as changes:
        with client.start_session() as session, session.start_transaction():
            client.test.plays.insert_one({"_id": 1}, session=session)
        assert next(changes)["documentKey"] == {"_id": 1}

    _kill(mongod.record, port=int((mongod.folder / "port").read_text()))
    assert mongod.address() is None
    assert mongod.start() == uri, "the address stays"
    with MongoClient(uri) as client:
        assert client.test.plays.count_documents({}) == 1

    mongod.stop()
    with _occupied(int((mongod.folder / "port").read_text())):
        moved = mongod.start()
    assert moved != uri
    with MongoClient[dict[str, Any]](moved) as client:
        client.test.plays.insert_one({"_id": 2})
        assert client.test.plays.count_documents({}) == 2


def test_a_mongod_that_is_no_primary_does_not_wait_for_another(mongod: Mongod) -> None:
    with MongoClient[dict[str, Any]](mongod.start()) as client:
        client.test.plays.insert_one({"_id": 1})
        client.admin.command({"replSetStepDown": 60, "force": True})
    began = time.monotonic()
    assert mongod.stop()
    assert time.monotonic() - began < 12, "MongoDB's own waiting time is 15 s"
    with MongoClient[dict[str, Any]](mongod.start()) as client:
        assert client.test.plays.count_documents({}) == 1


def test_up_creates_the_topics(tmp_path: Path) -> None:
    """Pages waited for them until the stream ran, and nobody could leave."""
    base = load_settings()
    kafka = base.kafka.model_copy(update={"bootstrap_servers": ""})
    mongo = base.mongo.model_copy(update={"uri": "mongodb://own"})
    server = Broker(tmp_path / "kafka")
    try:
        running = stack.up(base.model_copy(update={"kafka": kafka, "mongo": mongo}), folder=tmp_path)
        assert sorted(end_offsets(running.kafka)) == list(range(running.kafka.partitions))
        with PlayProducer(running.kafka) as producer:
            producer.tombstone("ada")
        assert sum(end_offsets(running.kafka).values()) == 1
    finally:
        server.stop()


def test_the_broker_survives_a_kill_and_a_taken_port(broker: Broker) -> None:
    address = broker.start()
    assert broker.address() == address
    assert broker.start() == address, "a second start finds it running"
    admin = KafkaAdminClient(bootstrap_servers=address)
    admin.create_topics({"kept": {"num_partitions": 1, "replication_factor": 1}}, wait_for_metadata=True)
    admin.close()
    producer = KafkaProducer(bootstrap_servers=address, max_request_size=3_000_000)
    producer.send("kept", TWO_MEGABYTES).get(timeout=600)
    producer.close()

    port, controller_port = (int(one) for one in (broker.folder / "ports").read_text().split())
    _kill(broker.record, port=port)
    assert broker.address() is None
    with _occupied(port), _occupied(controller_port):
        moved = broker.start()
    assert moved != address
    consumer = KafkaConsumer(bootstrap_servers=moved, max_partition_fetch_bytes=3_000_000)
    place = TopicPartition("kept", 0)
    consumer.assign([place])
    consumer.seek_to_beginning(place)
    found = consumer.poll(timeout_ms=20_000)[place]
    consumer.close()
    assert [record.value for record in found] == [TWO_MEGABYTES]
