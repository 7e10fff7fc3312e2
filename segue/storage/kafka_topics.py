"""The topics: their retention and their offsets."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping

from kafka import KafkaAdminClient
from kafka.admin import ConfigResource
from kafka.errors import KafkaError

from segue.settings import KafkaSettings, RetentionSettings, milliseconds
from segue.storage.kafka_client import reaching
from segue.storage.kafka_records import consuming, places_of

log = logging.getLogger(__name__)
MAX_RECORD_BYTES = 4 * 1024 * 1024
"""Allows a rejected record of any accepted size, plus its headers."""


def truncated_at(settings: KafkaSettings) -> int | None:
    """Epoch ms of the oldest play in the partitions that retention has truncated; None if no play is missing.

    With several truncated partitions it is the latest of their first plays: from then on, the topic is
    complete.
    """
    with consuming(settings) as consumer:
        places = places_of(consumer, settings.plays_topic)
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


def end_offsets(settings: KafkaSettings) -> dict[int, int]:
    """The next offset of each partition of the topic of plays."""
    with consuming(settings) as consumer:
        ends = consumer.end_offsets(places_of(consumer, settings.plays_topic))
        return {place.partition: end for place, end in ends.items()}


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


def largest_record(settings: KafkaSettings, topic: str) -> int:
    """The bytes of the largest record that a topic accepts, at most :data:`MAX_RECORD_BYTES`.

    :data:`MAX_RECORD_BYTES` if the user may not read the topic's configuration.
    """
    key = "max.message.bytes"
    with reaching(settings) as options:
        admin = KafkaAdminClient(**options)
        try:
            resource = ConfigResource("TOPIC", topic, configs={key: None})
            there = admin.describe_configs([resource], config_filter="all")["topic"][topic]
            return min(MAX_RECORD_BYTES, int(there[key]["value"]))
        except (KafkaError, KeyError) as error:
            log.info("the configuration of %s cannot be read: %s", topic, error)
            return MAX_RECORD_BYTES
        finally:
            admin.close()
