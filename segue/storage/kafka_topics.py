"""The topics as such: how long they keep records, where they begin, and what is in them."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from kafka import KafkaAdminClient, KafkaConsumer, TopicPartition
from kafka.admin import ConfigResource
from kafka.errors import KafkaError

from segue.settings import KafkaSettings
from segue.storage.kafka_client import reaching

log = logging.getLogger(__name__)


def truncated_at(settings: KafkaSettings) -> int | None:
    """Epoch ms of the oldest play in the partitions that retention has cut; None where nothing is missing.

    With several cut partitions it is the latest of their beginnings: from then on, all plays are there.
    """
    with reaching(settings) as options:
        consumer = KafkaConsumer(**options, enable_auto_commit=False)
        try:
            partitions = consumer.partitions_for_topic(settings.plays_topic) or set()
            places = [TopicPartition(settings.plays_topic, partition) for partition in sorted(partitions)]
            begins, ends = consumer.beginning_offsets(places), consumer.end_offsets(places)
            cut = [place for place in places if begins[place] > 0]
            oldest = []
            for place in cut:
                if begins[place] == ends[place]:
                    oldest.append(time.time_ns() // 1_000_000)
                    continue
                consumer.assign([place])
                consumer.seek_to_beginning(place)
                for _ in range(20):
                    if records := consumer.poll(timeout_ms=500, max_records=1):
                        oldest.append(next(iter(records.values()))[0].timestamp)
                        break
            return max(oldest, default=None)
        finally:
            consumer.close()


def end_offsets(settings: KafkaSettings) -> dict[int, int]:
    """By partition of the topic of plays, the offset that its next record gets."""
    with reaching(settings) as options:
        consumer = KafkaConsumer(**options, enable_auto_commit=False)
        try:
            partitions = consumer.partitions_for_topic(settings.plays_topic) or set()
            places = [TopicPartition(settings.plays_topic, partition) for partition in sorted(partitions)]
            return {place.partition: end for place, end in consumer.end_offsets(places).items()}
        finally:
            consumer.close()


def keep_for(settings: KafkaSettings, *, plays: timedelta, rejected: timedelta) -> None:
    """Tell the brokers how long to keep plays and rejected records.

    Where the user may not change topics, that is logged and all else goes on.
    """
    times = {settings.plays_topic: plays, settings.rejected_topic: rejected}
    wanted = [
        ConfigResource("TOPIC", name, configs={"retention.ms": str(int(time_.total_seconds() * 1000))})
        for name, time_ in times.items()
    ]
    with reaching(settings) as options:
        admin = KafkaAdminClient(**options)
        try:
            # Who may not read a topic's configuration does not see which names are known.
            results = admin.alter_configs(wanted, raise_on_unknown=False)["topic"]
            if refused := {name: result for name, result in results.items() if result != "OK"}:
                log.warning("the retention of the topics stays as it is: %s", refused)
        except KafkaError as error:
            log.warning("the retention of the topics stays as it is: %s", error)
        finally:
            admin.close()


def records_of(settings: KafkaSettings, topic: str, **options: Any) -> Iterator[Any]:
    """Every record that a topic holds when this begins, in no particular order between partitions.

    Parameters
    ----------
    options
        Of the consumer, besides those that reach the brokers.
    """
    with reaching(settings) as known:
        consumer = KafkaConsumer(**known, enable_auto_commit=False, **options)
        try:
            partitions = consumer.partitions_for_topic(topic) or set()
            places = [TopicPartition(topic, partition) for partition in sorted(partitions)]
            consumer.assign(places)
            ends = consumer.end_offsets(places)
            consumer.seek_to_beginning(*places)
            while any(consumer.position(place) < ends[place] for place in places):
                for batch in consumer.poll(timeout_ms=500).values():
                    yield from batch
        finally:
            consumer.close()


def plays_of(settings: KafkaSettings, user_id: str) -> Iterator[dict[str, Any]]:
    """A listener's plays that the topic still has, in no particular order between partitions.

    Every partition is read, since a play may have been sent under any key.
    """
    for record in records_of(settings, settings.plays_topic):
        play = _play(record.value or b"")
        if play and play.get("user_id") == user_id:
            yield play


def _play(value: bytes) -> dict[str, Any] | None:
    try:
        play = json.loads(value)
    except ValueError:
        return None
    return play if isinstance(play, dict) else None
