"""The Kafka clients: topics, a producer of records, and the reader of rejected records."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from types import TracebackType
from typing import Any, NamedTuple, Self

from kafka import KafkaAdminClient, KafkaProducer
from kafka.errors import KafkaError, TopicAlreadyExistsError

from segue import tracing
from segue.errors import SegueError
from segue.settings import KafkaSettings, RetentionSettings
from segue.storage.kafka_client import reaching
from segue.storage.kafka_records import records_of
from segue.storage.kafka_topics import wanted_configs

log = logging.getLogger(__name__)


def ensure_topics(settings: KafkaSettings, retention: RetentionSettings | None = None) -> None:
    """Create missing topics.

    Parameters
    ----------
    retention
        The retention of created topics; None for the broker's default.

    Raises
    ------
    SegueError
        No broker answers, or a broker refuses the user or the certificate; or a topic is missing and
        `kafka.manage_topics` is off: the message has the commands that create it.
    """
    topics = wanted_configs(settings, retention)
    with reaching(settings) as options:
        admin = KafkaAdminClient(**options)
        try:
            there = set(admin.list_topics())
            missing = [name for name in topics if name not in there]
            if missing and settings.manage_topics == "off":
                raise SegueError(_how_to_create(settings, {name: topics[name] for name in missing}))
            new = {
                name: {
                    "num_partitions": settings.partitions,
                    "replication_factor": settings.replication_factor,
                    "configs": topics[name],
                }
                for name in missing
            }
            if new:
                admin.create_topics(new, wait_for_metadata=True)
        except TopicAlreadyExistsError:
            return  # another process created them first
        finally:
            admin.close()


def _how_to_create(settings: KafkaSettings, topics: dict[str, dict[str, str]]) -> str:
    commands = (
        f"kafka-topics.sh --create --topic {name} --partitions {settings.partitions} "
        f"--replication-factor {settings.replication_factor} "
        + " ".join(f"--config {key}={value}" for key, value in configs.items())
        for name, configs in topics.items()
    )
    return (
        f"no topic {', '.join(topics)}, and kafka.manage_topics is off: create it with "
        f"{' and '.join(commands)}, or set kafka.manage_topics"
    )


_MOST_WAIT_MS = 10_000
"""How long a call waits for a topic that does not exist, or for room in the buffer."""


class NotAcknowledged(SegueError):
    """Kafka refused a record, or did not acknowledge it in time."""


class Place(NamedTuple):
    """The place of an acknowledged record in its topic."""

    partition: int
    offset: int
    timestamp: int
    """When it reached Kafka, in epoch ms; the sender's time if the topic has `CreateTime`."""


class RecordProducer:
    """Sends records to one topic.

    Delivery: idempotent and acknowledged by all replicas; a retry in the client does not duplicate a record.
    """

    def __init__(self, settings: KafkaSettings, *, topic: str) -> None:
        self._topic = topic
        with reaching(settings) as options:
            self._producer = KafkaProducer(
                **options,
                acks="all",
                enable_idempotence=True,
                linger_ms=1,
                max_block_ms=_MOST_WAIT_MS,
                # The brokers would create a deleted topic with their own settings.
                allow_auto_create_topics=False,
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def send_bytes(self, value: bytes | None, *, key: bytes | None = None) -> Any:
        """Send a record of bytes; returns a future of its metadata (partition and offset).

        The record has the header `traceparent` if a trace is active (:mod:`segue.tracing`).
        """
        return self._producer.send(self._topic, value=value, key=key, headers=tracing.headers())

    def deliver_bytes(
        self, records: Iterable[tuple[bytes | None, bytes | None]], *, seconds: float
    ) -> list[Place]:
        """Send records as (value, key) and wait for their acknowledgement, up to `seconds` for each.

        Returns
        -------
        The place of each record in the topic.

        Raises
        ------
        NotAcknowledged
            Kafka did not acknowledge a record.
        """
        try:
            sent = [self.send_bytes(value, key=key) for value, key in records]
            acknowledged = [future.get(timeout=seconds) for future in sent]
        except KafkaError as error:
            raise NotAcknowledged(str(error)) from None
        return [Place(record.partition, record.offset, record.timestamp) for record in acknowledged]

    def flush(self) -> None:
        """Wait until all sent records are acknowledged."""
        self._producer.flush()

    def close(self) -> None:
        """Send the remaining records and close the producer."""
        self._producer.close()


@dataclass(frozen=True, kw_only=True)
class RejectedRecord:
    """A record that is not a valid play: the reason, its partition and offset, and its original bytes."""

    reason: str
    topic: str
    partition: int
    offset: int
    timestamp: int
    """Epoch ms at which the record reached Kafka."""
    value: bytes | None
    size: int | None = None
    """The bytes of the whole record if `value` has only the first of them, else None."""
    one_of: int = 1
    """How many rejected records this one stands for: more than 1 if only a sample was kept."""


def read_rejected(settings: KafkaSettings, *, since: int | None = None) -> Iterator[RejectedRecord]:
    """The rejected records of the topic, in no particular order between partitions.

    The stream may write a record twice, after a crash for example; it is given once. Records that the stream
    has not written are skipped, and their number is logged.

    Parameters
    ----------
    since
        Epoch ms: only the records that were rejected then or later.
    """
    foreign, seen = 0, set[int]()
    for record in records_of(settings, settings.rejected_topic, since=since):
        rejected = _rejected(record)
        if rejected is None:
            foreign += 1
            continue
        # The time is a part of it, since offsets start again in a topic that was deleted and created again.
        place = hash((rejected.topic, rejected.partition, rejected.offset, rejected.timestamp))
        if place not in seen:
            seen.add(place)
            yield rejected
    if foreign:
        log.warning(
            "topic %s: %d records are not from Segue; they are skipped", settings.rejected_topic, foreign
        )


def _rejected(record: Any) -> RejectedRecord | None:
    """The rejected record, or None for a record that the stream has not written."""
    try:
        headers = {name: value.decode() for name, value in record.headers}
        return RejectedRecord(
            reason=headers["reason"],
            topic=headers["topic"],
            partition=int(headers["partition"]),
            offset=int(headers["offset"]),
            timestamp=int(headers["timestamp"]),
            value=record.value,
            size=int(headers["size"]) if "size" in headers else None,
            one_of=int(headers.get("one_of", 1)),
        )
    except (KeyError, ValueError, AttributeError):
        return None
