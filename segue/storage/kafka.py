"""The Kafka clients: topics, a producer of records, and the keeper of rejected records."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from types import TracebackType
from typing import Any, Self

from kafka import KafkaAdminClient, KafkaProducer
from kafka.errors import KafkaError, KafkaTimeoutError, RetriableError, TopicAlreadyExistsError
from tenacity import Retrying, retry_if_exception_type, stop_after_delay, wait_fixed

from segue.errors import SegueError
from segue.settings import KafkaSettings, RetentionSettings
from segue.storage.kafka_client import reaching
from segue.storage.kafka_topics import MAX_RECORD_BYTES, records_of, wanted_configs

TRANSACTION_SECONDS = 20.0
"""How long a transaction may take; longer than brokers need to notice that one of them is lost."""
_PATIENCE_SECONDS = 180
"""How long rejected records wait for brokers."""
log = logging.getLogger(__name__)


def ensure_topics(settings: KafkaSettings, retention: RetentionSettings | None = None) -> None:
    """Create the topics that are not there yet.

    Parameters
    ----------
    retention
        How long a created topic keeps its records; None: as the broker does by default.

    Raises
    ------
    SegueError
        No broker answers, or it refuses the user or the certificate; or a topic is missing and
        `kafka.manage_topics` is off: the text says which.
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
            return  # another process was first
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


class NotAcknowledged(SegueError):
    """Kafka has refused a record, or has not acknowledged it in time."""


class RecordProducer:
    """Sends records to one topic.

    Delivery: idempotent and acknowledged by all replicas; a retry inside the client does not double a record.
    """

    def __init__(self, settings: KafkaSettings, *, topic: str) -> None:
        self._topic = topic
        with reaching(settings) as options:
            self._producer = KafkaProducer(**options, acks="all", enable_idempotence=True, linger_ms=1)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def send_bytes(self, value: bytes | None, *, key: bytes | None = None) -> Any:
        """Send a record as it is; returns a future of its place in the topic."""
        return self._producer.send(self._topic, value=value, key=key)

    def deliver_bytes(self, records: Iterable[tuple[bytes | None, bytes | None]], *, seconds: float) -> None:
        """Send (value, key) of records and wait until they are acknowledged, so long for each.

        Raises
        ------
        NotAcknowledged
            A record was not taken.
        """
        try:
            sent = [self.send_bytes(value, key=key) for value, key in records]
            for future in sent:
                future.get(timeout=seconds)
        except KafkaError as error:
            raise NotAcknowledged(str(error)) from None

    def flush(self) -> None:
        """Wait until everything sent so far is acknowledged."""
        self._producer.flush()

    def close(self) -> None:
        """Send what is left, and end."""
        self._producer.close()


@dataclass(frozen=True, kw_only=True)
class RejectedRecord:
    """A record that is not a play: why, where it was, and its bytes as they came."""

    reason: str
    topic: str
    partition: int
    offset: int
    timestamp: int
    """Epoch ms at which it reached Kafka."""
    value: bytes | None


class RejectedRecords:
    """Writes rejected records to their topic, each exactly once for a reader of committed records.

    A call's records go into one Kafka transaction. Each carries the offset it was taken from, so the topic
    itself says how far it has come: a batch that is repeated after a crash skips what is there. A second
    writer for the same topic fences the first.
    """

    def __init__(self, settings: KafkaSettings) -> None:
        self._settings, self._topic = settings, settings.rejected_topic
        self._taken: dict[tuple[str, int], int] = {}
        self._open()

    def _open(self) -> None:
        with reaching(self._settings) as options:
            self._producer = KafkaProducer(
                **options,
                transactional_id=f"segue-{self._topic}",
                acks="all",
                max_request_size=MAX_RECORD_BYTES,
            )
            # Ends or undoes what a crashed writer left open, so that what is read next is final.
            self._producer.init_transactions()
        for record in read_rejected(self._settings):
            self._take(record)

    def write(self, records: Iterable[RejectedRecord]) -> list[RejectedRecord]:
        """Write those records that are not there yet, and return them.

        When the broker that coordinates the transactions is lost, this goes on with another for some minutes.

        Raises
        ------
        KafkaError, SegueError
            They could not be written; another writer's transaction is one reason.
        """
        ordered = sorted(records, key=lambda record: (record.topic, record.partition, record.offset))
        try:
            return self._write(ordered)
        except RetriableError as error:
            log.warning("rejected records are written with a new producer: %s", error)
        for attempt in Retrying(
            retry=retry_if_exception_type((RetriableError, SegueError)),
            wait=wait_fixed(1),
            stop=stop_after_delay(_PATIENCE_SECONDS),
            reraise=True,
        ):
            with attempt:
                # What the former one still does is undone or refused from here on.
                _in_background(partial(self._producer.close, timeout=_PATIENCE_SECONDS))
                self._open()
                return self._write(ordered)
        raise AssertionError("the last attempt returns or raises")

    def _write(self, ordered: list[RejectedRecord]) -> list[RejectedRecord]:
        new = [r for r in ordered if r.offset > self._taken.get((r.topic, r.partition), -1)]
        if new:
            _in_background(partial(self._transaction, self._producer, new), seconds=TRANSACTION_SECONDS)
        for record in new:
            self._take(record)
        return new

    def _transaction(self, producer: KafkaProducer, records: list[RejectedRecord]) -> None:
        producer.begin_transaction()
        try:
            sent = [producer.send(self._topic, **_as_kept(record)) for record in records]
            # A commit does not look whether all arrived: what has expired would be missing.
            for future in sent:
                future.get()
            producer.commit_transaction()
        except KafkaError:
            with suppress(KafkaError):  # a producer that cannot do this either is replaced
                producer.abort_transaction()
            raise

    def _take(self, record: RejectedRecord) -> None:
        place = (record.topic, record.partition)
        self._taken[place] = max(record.offset, self._taken.get(place, -1))

    def close(self) -> None:
        self._producer.close()


def _in_background(work: Callable[[], None], *, seconds: float = 0.0) -> None:
    """Do something in a thread, and wait for it for so long.

    The client itself may wait for ever for the answer of a coordinator that was lost.

    Raises
    ------
    KafkaTimeoutError
        It has not ended in time, and goes on.
    """
    done: Future[None] = Future()

    def run() -> None:
        try:
            work()
            done.set_result(None)
        # Whatever it is, it is raised where it is waited for.
        except Exception as error:
            done.set_exception(error)

    threading.Thread(target=run, name="kafka", daemon=True).start()
    if seconds:
        try:
            done.result(seconds)
        except TimeoutError:
            raise KafkaTimeoutError(f"no answer within {seconds:g} s") from None


def _as_kept(record: RejectedRecord) -> dict[str, Any]:
    return {
        "value": record.value,
        "key": f"{record.topic}:{record.partition}:{record.offset}".encode(),
        "headers": [
            ("reason", record.reason.encode()),
            ("topic", record.topic.encode()),
            ("partition", str(record.partition).encode()),
            ("offset", str(record.offset).encode()),
            ("timestamp", str(record.timestamp).encode()),
        ],
    }


def read_rejected(settings: KafkaSettings) -> Iterator[RejectedRecord]:
    """Every rejected record that the topic holds, in no particular order between partitions."""
    committed = {"isolation_level": "read_committed", "max_partition_fetch_bytes": MAX_RECORD_BYTES}
    return map(_rejected, records_of(settings, settings.rejected_topic, **committed))


def _rejected(record: Any) -> RejectedRecord:
    headers = {name: value.decode() for name, value in record.headers}
    return RejectedRecord(
        reason=headers["reason"],
        topic=headers["topic"],
        partition=int(headers["partition"]),
        offset=int(headers["offset"]),
        timestamp=int(headers["timestamp"]),
        value=record.value,
    )
