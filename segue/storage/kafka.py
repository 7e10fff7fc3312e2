"""The Kafka clients: topics, a producer of records, and the writer of rejected records."""

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

from segue import tracing
from segue.errors import SegueError
from segue.settings import KafkaSettings, RetentionSettings
from segue.storage.kafka_client import reaching
from segue.storage.kafka_topics import MAX_RECORD_BYTES, records_of, wanted_configs

TRANSACTION_SECONDS = 20.0
"""The timeout of a transaction; longer than the brokers need to detect the loss of a broker."""
_PATIENCE_SECONDS = 180
"""The delivery timeout of rejected records."""
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


class NotAcknowledged(SegueError):
    """Kafka refused a record, or did not acknowledge it in time."""


class RecordProducer:
    """Sends records to one topic.

    Delivery: idempotent and acknowledged by all replicas; a retry in the client does not duplicate a record.
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
        """Send a record of bytes; returns a future of its metadata (partition and offset).

        The record has the header `traceparent` if a trace is active (:mod:`segue.tracing`).
        """
        return self._producer.send(self._topic, value=value, key=key, headers=tracing.headers())

    def deliver_bytes(self, records: Iterable[tuple[bytes | None, bytes | None]], *, seconds: float) -> None:
        """Send records as (value, key) and wait for their acknowledgement, up to `seconds` for each.

        Raises
        ------
        NotAcknowledged
            Kafka did not acknowledge a record.
        """
        try:
            sent = [self.send_bytes(value, key=key) for value, key in records]
            for future in sent:
                future.get(timeout=seconds)
        except KafkaError as error:
            raise NotAcknowledged(str(error)) from None

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


class RejectedRecords:
    """Writes rejected records to their topic, exactly once for read_committed consumers.

    A call writes its records in one Kafka transaction. Each record has the offset of its source, so that a
    batch that is repeated after a crash skips the records that the topic already has. A second writer for the
    same topic fences the first.
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
            # Completes or aborts the open transaction of a crashed writer: the offsets read next are final.
            self._producer.init_transactions()
        for record in read_rejected(self._settings):
            self._take(record)

    def write(self, records: Iterable[RejectedRecord]) -> list[RejectedRecord]:
        """Write the records that the topic does not have yet, and return them.

        If the transaction coordinator is lost, this retries with another broker for some minutes.

        Raises
        ------
        KafkaError, SegueError
            The records could not be written, for example because another writer has fenced this one.
        """
        ordered = sorted(records, key=lambda record: (record.topic, record.partition, record.offset))
        try:
            return self._write(ordered)
        except RetriableError as error:
            log.warning("retrying the write of rejected records with a new producer: %s", error)
        for attempt in Retrying(
            retry=retry_if_exception_type((RetriableError, SegueError)),
            wait=wait_fixed(1),
            stop=stop_after_delay(_PATIENCE_SECONDS),
            reraise=True,
        ):
            with attempt:
                # From here on the brokers abort or refuse transactions of the former producer.
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
            # A commit does not check deliveries: it would succeed without the records that expired.
            for future in sent:
                future.get()
            producer.commit_transaction()
        except KafkaError:
            with suppress(KafkaError):  # a producer that cannot abort either is replaced
                producer.abort_transaction()
            raise

    def _take(self, record: RejectedRecord) -> None:
        place = (record.topic, record.partition)
        self._taken[place] = max(record.offset, self._taken.get(place, -1))

    def close(self) -> None:
        self._producer.close()


def _in_background(work: Callable[[], None], *, seconds: float = 0.0) -> None:
    """Run `work` in a thread, and wait for it for at most `seconds`.

    The client itself may wait for ever for a coordinator that was lost.

    Raises
    ------
    KafkaTimeoutError
        The work has not ended in time; its thread continues.
    """
    done: Future[None] = Future()

    def run() -> None:
        try:
            work()
            done.set_result(None)
        # The waiting thread raises it.
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
    """All rejected records of the topic, in no particular order between partitions."""
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
