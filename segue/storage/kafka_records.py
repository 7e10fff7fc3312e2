"""Reading a topic from end to end with kafka-python: the records of committed transactions, in every codec.

Any producer may have written to a topic. So a reader takes every record as bytes, skips those that it cannot
use, and counts them.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import chain, islice
from typing import Any

from kafka import KafkaConsumer, TopicPartition
from kafka.errors import CorruptRecordError
from kafka.partitioner.default import murmur2

from segue.settings import KafkaSettings
from segue.storage.kafka_client import reaching

log = logging.getLogger(__name__)
_IN_PLACE = 20
"""More partitions move at least half of the keys: so many keys in a row are not where they are by chance."""
_ELSEWHERE = 20_000
"""Records that a listener's own export reads of partitions that should have none of the listener."""


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


def records_of(settings: KafkaSettings, topic: str, *, since: int | None = None) -> Iterator[Any]:
    """All records that a topic has at the time of the call, partition by partition.

    A record that the client cannot decode, such as one with a header that is not UTF-8, is skipped with a
    line in the log.

    Parameters
    ----------
    since
        Epoch ms: only the records from the first one on that reached the topic then or later.
    """
    unreadable = 0
    with consuming(settings) as consumer:
        places = places_of(consumer, topic)
        ends = consumer.end_offsets(places)
        begins = consumer.offsets_for_times(dict.fromkeys(places, since)) if since is not None else {}
        for place in places:
            if since is not None and begins[place] is None:
                continue
            first = None if since is None else begins[place].offset
            for record in _records_in(consumer, place, first=first, end=ends[place]):
                if record is None:
                    unreadable += 1
                else:
                    yield record
    _warn(topic, unreadable)


def _records_in(
    consumer: KafkaConsumer, place: TopicPartition, *, first: int | None, end: int
) -> Iterator[Any | None]:
    """The records of a partition from an offset, by default its oldest, up to another one.

    None stands for a record that the client cannot decode.
    """
    consumer.assign([place])
    if first is None:
        consumer.seek_to_beginning(place)
    else:
        consumer.seek(place, first)
    while consumer.position(place) < end:
        try:
            batches = consumer.poll(timeout_ms=500)
        except (UnicodeDecodeError, CorruptRecordError):
            # The client decodes a batch from its start, so that the batch's other records follow one by one
            # in the same way.
            consumer.seek(place, consumer.position(place) + 1)
            yield None
            continue
        for batch in batches.values():
            yield from (record for record in batch if record.offset < end)


def _warn(topic: str, unreadable: int) -> None:
    if unreadable:
        log.warning("topic %s: %d records cannot be decoded; they are skipped", topic, unreadable)


def plays_of(settings: KafkaSettings, user_id: str) -> Iterator[dict[str, Any]]:
    """A listener's plays in the whole topic, in no particular order between partitions.

    Records that are no JSON object of plain values are skipped.
    """
    foreign = 0
    for record in records_of(settings, settings.plays_topic):
        if record.value is None:
            continue  # a tombstone
        play = flat_object(record.value)
        if play is None:
            foreign += 1
        elif play.get("user_id") == user_id:
            yield play
    if foreign:
        log.info("topic %s: %d records are not plays; they are skipped", settings.plays_topic, foreign)


def likely_plays_of(settings: KafkaSettings, user_id: str) -> tuple[list[dict[str, Any]], bool]:
    """A listener's plays where they can be expected, and whether others may lie elsewhere in the topic.

    The partition of the listener's key is read as a whole. Another one can have plays of the listener from
    before the topic got more partitions, or from other producers. It is read from its oldest record on, until
    the records of :data:`_IN_PLACE` keys in a row lie where Segue puts them now. All others together are read
    for at most :data:`_ELSEWHERE` records.
    """
    plays, unreadable, done = list[dict[str, Any]](), 0, object()
    with consuming(settings) as consumer:
        places = places_of(consumer, settings.plays_topic)
        if not places:
            return plays, True
        ends, own = consumer.end_offsets(places), place_of(user_id.encode(), places)
        others = chain.from_iterable(
            _moved_in(consumer, place, places=places, end=ends[place]) for place in places if place != own
        )
        here = _records_in(consumer, own, first=None, end=ends[own])
        for record in chain(here, islice(others, _ELSEWHERE)):
            if record is None:
                unreadable += 1
            elif record.value is not None and (play := flat_object(record.value)):
                plays += [play] if play.get("user_id") == user_id else []
        whole = next(others, done) is done
    _warn(settings.plays_topic, unreadable)
    return plays, whole


def _moved_in(
    consumer: KafkaConsumer, place: TopicPartition, *, places: Sequence[TopicPartition], end: int
) -> Iterator[Any | None]:
    """The records of a partition, until those of several keys in a row belong there."""
    in_place = set[bytes]()
    for record in _records_in(consumer, place, first=None, end=end):
        yield record
        if record is not None and record.key is not None:
            in_place.add(record.key)
            if place_of(record.key, places) != place:
                in_place.clear()
        if len(in_place) >= _IN_PLACE:
            return


def flat_object(value: bytes) -> dict[str, Any] | None:
    """The JSON object of a record; None if it is something else, or has a list or an object in it."""
    try:
        play = json.loads(value)
    except (ValueError, RecursionError):
        return None
    if not isinstance(play, dict) or any(isinstance(field, dict | list) for field in play.values()):
        return None
    return play
