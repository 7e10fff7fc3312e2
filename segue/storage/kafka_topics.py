"""The topics: their retention, their offsets and their records."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Iterator, Mapping
from typing import Any

from kafka import KafkaAdminClient, KafkaConsumer, TopicPartition
from kafka.admin import ConfigResource
from kafka.errors import KafkaError

from segue.settings import KafkaSettings, RetentionSettings, milliseconds
from segue.storage.kafka_client import reaching

log = logging.getLogger(__name__)
MAX_RECORD_BYTES = 4 * 1024 * 1024
"""Allows a rejected record of any accepted size, plus its headers."""


def truncated_at(settings: KafkaSettings) -> int | None:
    """Epoch ms of the oldest play in the partitions that retention has truncated; None if no play is missing.

    With several truncated partitions it is the latest of their first plays: from then on, the topic is
    complete.
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
    """The next offset of each partition of the topic of plays."""
    with reaching(settings) as options:
        consumer = KafkaConsumer(**options, enable_auto_commit=False)
        try:
            partitions = consumer.partitions_for_topic(settings.plays_topic) or set()
            places = [TopicPartition(settings.plays_topic, partition) for partition in sorted(partitions)]
            return {place.partition: end for place, end in consumer.end_offsets(places).items()}
        finally:
            consumer.close()


def delete(settings: KafkaSettings) -> None:
    """Delete the topics of the settings with all of their records; a topic that does not exist is skipped.

    Raises
    ------
    SegueError
        No broker answers, or it does not allow it.
    """
    names = (settings.plays_topic, settings.rejected_topic)
    with reaching(settings) as options:
        admin = KafkaAdminClient(**options)
        try:
            if existing := [name for name in names if name in set(admin.list_topics())]:
                admin.delete_topics(existing)
        finally:
            admin.close()


def wanted_configs(
    settings: KafkaSettings, retention: RetentionSettings | None = None
) -> dict[str, dict[str, str]]:
    """The configuration that Segue needs, by topic."""
    # The broker's clock decides whether a play is late; a producer's clock could be wrong.
    configs = {
        settings.plays_topic: {"message.timestamp.type": "LogAppendTime"},
        settings.rejected_topic: {"max.message.bytes": str(MAX_RECORD_BYTES)},
    }
    if retention is not None:
        configs[settings.plays_topic]["retention.ms"] = str(milliseconds(retention.plays))
        configs[settings.rejected_topic]["retention.ms"] = str(milliseconds(retention.rejected))
    return configs


def keep_topics_in_line(settings: KafkaSettings, retention: RetentionSettings) -> None:
    """Set the topics' configuration if `kafka.manage_topics` is on; otherwise log each difference.

    If the user may not change or read the configuration, this is logged and not an error.
    """
    wanted = wanted_configs(settings, retention)
    with reaching(settings) as options:
        admin = KafkaAdminClient(**options)
        try:
            if settings.manage_topics == "on":
                _alter(admin, wanted)
            else:
                _compare(admin, wanted)
        except KafkaError as error:
            # A user without the right to read the configuration could not fix a difference.
            level = logging.WARNING if settings.manage_topics == "on" else logging.INFO
            log.log(level, "the configuration of the topics stays unchanged: %s", error)
        finally:
            admin.close()


def _alter(admin: KafkaAdminClient, wanted: Mapping[str, Mapping[str, str]]) -> None:
    resources = [ConfigResource("TOPIC", name, configs=dict(configs)) for name, configs in wanted.items()]
    # A user who may not read a topic's configuration does not see which keys the broker knows.
    results = admin.alter_configs(resources, raise_on_unknown=False)["topic"]
    if refused := {name: result for name, result in results.items() if result != "OK"}:
        log.warning("the configuration of the topics stays unchanged: %s", refused)


def _compare(admin: KafkaAdminClient, wanted: Mapping[str, Mapping[str, str]]) -> None:
    resources = [
        ConfigResource("TOPIC", name, configs=dict.fromkeys(configs)) for name, configs in wanted.items()
    ]
    topics = admin.describe_configs(resources, config_filter="all")["topic"]
    for name, configs in wanted.items():
        there = topics.get(name, {})
        for key, value in configs.items():
            now = there[key]["value"] if key in there else None
            if now is not None and str(now) != value:
                log.warning(
                    "topic %s has %s=%s, but the settings require %s: run kafka-configs.sh --alter "
                    '--topic %s --add-config %s=%s, or set kafka.manage_topics = "on"',
                    *(name, key, now, value, name, key, value),
                )


def records_of(settings: KafkaSettings, topic: str, **options: Any) -> Iterator[Any]:
    """All records that a topic has at the time of the call, in no particular order between partitions.

    Parameters
    ----------
    options
        Further options of the consumer.
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
    """A listener's plays in the topic, in no particular order between partitions.

    Reads every partition, since a producer may have sent a play with any key.
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
