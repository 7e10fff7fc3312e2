"""Reading a topic from end to end with kafka-python: the records of committed transactions, in every codec.

Any producer may have written to a topic. So a reader takes every record as bytes, skips those that it cannot
use, and counts them.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from kafka import KafkaConsumer, TopicPartition
from kafka.errors import CorruptRecordError
from kafka.partitioner.default import murmur2

from segue.settings import KafkaSettings
from segue.storage.kafka_client import reaching

log = logging.getLogger(__name__)


@contextmanager
def consuming(settings: KafkaSettings, **options: Any) -> Iterator[KafkaConsumer]:
    """A consumer without a group that sees the records of committed transactions only.

    The end of a partition, too, is that of the committed records: it lies before the first open transaction.

    Parameters
    ----------
    options
        Further options of the consumer.

    Raises
    ------
    SegueError
        No broker answers, or a broker refuses the user or the certificate.
    """
    with reaching(settings) as known:
        consumer = KafkaConsumer(
            **known,
            enable_auto_commit=False,
            # The brokers would create a missing topic with their own settings.
            allow_auto_create_topics=False,
            isolation_level="read_committed",
            # Retention may remove the record that is read next; the default would jump to the end.
            auto_offset_reset="earliest",
            **options,
        )
        try:
            yield consumer
        finally:
            consumer.close()


def places_of(consumer: KafkaConsumer, topic: str) -> list[TopicPartition]:
    """The partitions of a topic in order; none if it does not exist."""
    return [TopicPartition(topic, number) for number in sorted(consumer.partitions_for_topic(topic) or ())]


def place_of(key: bytes, places: Sequence[TopicPartition]) -> TopicPartition:
    """The partition, of all those of a topic in order, in which Kafka's producers put records with a key."""
    return places[(murmur2(key) & 0x7FFFFFFF) % len(places)]


def records_of(
    settings: KafkaSettings, topic: str, *, since: int | None = None, key: bytes | None = None
) -> Iterator[Any]:
    """All records that a topic has at the time of the call, partition by partition.

    A record that the client cannot decode, such as one with a header that is not UTF-8, is skipped with a
    line in the log.

    Parameters
    ----------
    since
        Epoch ms: only the records from the first one on that reached the topic then or later.
    key
        Only the partition of the records with this key, which has those with other keys, too.
    """
    unreadable = 0
    with consuming(settings) as consumer:
        places = places_of(consumer, topic)
        if key is not None and places:
            places = [place_of(key, places)]
        ends = consumer.end_offsets(places)
        begins = consumer.offsets_for_times(dict.fromkeys(places, since)) if since is not None else {}
        for place in places:
            if since is not None and begins[place] is None:
                continue
            consumer.assign([place])
            if since is None:
                consumer.seek_to_beginning(place)
            else:
                consumer.seek(place, begins[place].offset)
            while consumer.position(place) < ends[place]:
                try:
                    batches = consumer.poll(timeout_ms=500)
                except (UnicodeDecodeError, CorruptRecordError):
                    # The client decodes a batch from its start, so that the batch's other records follow one
                    # by one in the same way.
                    consumer.seek(place, consumer.position(place) + 1)
                    unreadable += 1
                    continue
                for batch in batches.values():
                    yield from (record for record in batch if record.offset < ends[place])
    if unreadable:
        log.warning("topic %s: %d records cannot be decoded; they are skipped", topic, unreadable)


def plays_of(settings: KafkaSettings, user_id: str, *, everywhere: bool = True) -> Iterator[dict[str, Any]]:
    """A listener's plays in the topic, in no particular order between partitions.

    Records that are no JSON object of plain values are skipped.

    Parameters
    ----------
    everywhere
        Whether to read every partition: a producer may have sent a play with any key, and plays from before
        the topic got more partitions may lie in another one. Otherwise only the partition of the listener.
    """
    foreign, key = 0, None if everywhere else user_id.encode()
    for record in records_of(settings, settings.plays_topic, key=key):
        if record.value is None:
            continue  # a tombstone
        play = flat_object(record.value)
        if play is None:
            foreign += 1
        elif play.get("user_id") == user_id:
            yield play
    if foreign:
        log.info("topic %s: %d records are not plays; they are skipped", settings.plays_topic, foreign)


def flat_object(value: bytes) -> dict[str, Any] | None:
    """The JSON object of a record; None if it is something else, or has a list or an object in it."""
    try:
        play = json.loads(value)
    except (ValueError, RecursionError):
        return None
    if not isinstance(play, dict) or any(isinstance(field, dict | list) for field in play.values()):
        return None
    return play
