"""A producer that floods a topic with malformed records, at next to no cost of processor time.

The batches of records are made once and sent again and again; Kafka gives each record an offset of its own.
So the effect on other plays is that of the records, as if the producer ran on another machine. kafka-python
sends records one by one, and would need a core for 20,000 of them a second.
"""

from __future__ import annotations

import math
import socket
import time
from collections.abc import Mapping
from functools import cache
from typing import Any

from kafka.errors import for_code
from kafka.protocol.parser import KafkaProtocol
from kafka.protocol.producer import ProduceRequest
from kafka.record.memory_records import MemoryRecordsBuilder

from segue.settings import KafkaSettings
from segue.storage.kafka_topics import end_offsets

RECORD_BYTES = 1024
_EVERY = 0.05
"""Seconds between two requests."""
_MOST = 900
"""The largest batch, in records: the topic takes batches up to a megabyte."""
_ANSWER_SECONDS = 30.0
_VERSION = 9
"""The newest version of the request that this module has been tried with."""


def malformed(number: int) -> bytes:
    """A record of one of four kinds: text, a truncated object, an object that is no play, no UTF-8."""
    kinds = (
        f"no JSON {number}".encode(),
        f'{{"event_id": "{number}'.encode(),
        f'{{"event": {number}, "junk": "{"x" * 980}"}}'.encode(),
        b"\xff\xfe%d" % number,
    )
    return kinds[number % len(kinds)].ljust(RECORD_BYTES)


@cache
def batch(records: int) -> bytes:
    """A batch of malformed records in Kafka's format."""
    builder = MemoryRecordsBuilder(magic=2, compression_type=0, batch_size=2 * RECORD_BYTES * records)
    for number in range(records):
        builder.append(timestamp=int(time.time() * 1000), key=None, value=malformed(number))
    builder.close()
    return bytes(builder.buffer())


class Flooder:
    """A connection to the only broker."""

    def __init__(self, settings: KafkaSettings) -> None:
        host, _, port = settings.bootstrap_servers.rpartition(":")
        self._settings = settings
        self._connection = socket.create_connection((host, int(port)), timeout=_ANSWER_SECONDS)
        self._protocol = KafkaProtocol(client_id="flood")

    def __enter__(self) -> Flooder:
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    def flood(self, topic: str, *, count: int, rate: float) -> None:
        """Send `count` records, `rate` a second, evenly to the partitions of the topic.

        Raises
        ------
        KafkaError
            The broker refuses the records.
        """
        partitions = sorted(end_offsets(self._settings.model_copy(update={"plays_topic": topic})))
        size = min(_MOST, math.ceil(rate * _EVERY / len(partitions)))
        sent, began = 0, time.monotonic()
        while sent < count:
            left = [max(0, count - sent - n * size) for n in range(len(partitions))]
            sizes = {partition: min(size, more) for partition, more in zip(partitions, left, strict=True)}
            self._send(topic, {partition: batch(records) for partition, records in sizes.items() if records})
            sent += sum(sizes.values())
            time.sleep(max(0.0, began + sent / rate - time.monotonic()))

    def _send(self, topic: str, batches: Mapping[int, bytes]) -> None:
        of_topic = ProduceRequest.TopicProduceData
        data = [
            of_topic.PartitionProduceData(index=partition, records=records)
            for partition, records in batches.items()
        ]
        request = ProduceRequest(
            transactional_id=None,
            acks=1,
            timeout_ms=int(_ANSWER_SECONDS * 1000),
            topic_data=[of_topic(name=topic, partition_data=data)],
        )
        request.API_VERSION = _VERSION
        self._protocol.send_request(request)
        self._connection.sendall(self._protocol.send_bytes())
        answers: list[Any] = []
        while not answers:
            if not (received := self._connection.recv(65536)):
                raise ConnectionError("the broker has closed the connection")
            answers = self._protocol.receive_bytes(received)
        for partition in (one for topic in answers[0][1].responses for one in topic.partition_responses):
            if partition.error_code:
                raise for_code(partition.error_code)()
