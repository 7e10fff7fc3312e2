"""Faults of the topics: settings on the brokers with which records would be lost or misjudged."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass

from segue.errors import SegueError
from segue.settings import KafkaSettings, RetentionSettings, Settings, milliseconds
from segue.storage.inspection import TopicState, inspect_kafka
from segue.storage.kafka_topics import MAX_RECORD_BYTES, wanted_configs

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class TopicFault:
    """A fault of one topic."""

    topic: str
    key: str
    """The setting of the topic, as Kafka names it."""
    found: str
    remedy: str
    severe: bool = False
    """Whether the service does not work with it."""

    @property
    def line(self) -> str:
        return f"topic {self.topic}: {self.found}: {self.remedy}"


def report(settings: Settings, *, compared: bool = False) -> None:
    """Log each fault of the topics, in a line with the remedy. It changes nothing.

    Parameters
    ----------
    compared
        Whether :func:`~segue.storage.kafka_topics.keep_topics_in_line` has reported some of them; those are
        left out.
    """
    reported = wanted_configs(settings.kafka, settings.retention) if compared else {}
    for fault in known_faults(settings):
        if fault.key not in reported.get(fault.topic, ()):
            log.warning("%s", fault.line)


def known_faults(settings: Settings) -> list[TopicFault]:
    """The faults of the topics that exist; none if Kafka does not answer, which is logged."""
    try:
        state = inspect_kafka(settings.kafka)
    except SegueError as error:
        log.info("the topics are not checked: %s", error)
        return []
    return [
        fault
        for name, topic in state.topics.items()
        for fault in faults(name, topic, settings, state.brokers)
    ]


def faults(name: str, topic: TopicState, settings: Settings, brokers: int) -> list[TopicFault]:
    """The faults of a topic on a cluster of `brokers`; an unknown value is none."""
    found = [
        *_cleanup(name, topic),
        *_retention(name, topic, settings.kafka, settings.retention),
        *_copies(name, topic, brokers),
        *_partitions(name, topic, settings.kafka),
    ]
    if name == settings.kafka.plays_topic:
        return [*_timestamps(name, topic), *_sizes(name, topic, settings.stream.max_play_size), *found]
    return [*_sizes(name, topic, MAX_RECORD_BYTES), *found]


def _alter(name: str, value: str) -> str:
    return (
        "run: kafka-configs.sh --bootstrap-server HOST:PORT --alter --entity-type topics "
        f"--entity-name {name} --add-config {value}"
    )


def _timestamps(name: str, topic: TopicState) -> Iterator[TopicFault]:
    key = "message.timestamp.type"
    if topic.timestamp_type not in (None, "LogAppendTime"):
        yield _setting_fault(
            name,
            key,
            f"{key} is {topic.timestamp_type}: lateness would be measured with the clocks of producers",
            value="LogAppendTime",
            severe=True,
        )


def _cleanup(name: str, topic: TopicState) -> Iterator[TopicFault]:
    key = "cleanup.policy"
    if topic.cleanup_policy and "compact" in topic.cleanup_policy:
        yield _setting_fault(
            name,
            key,
            f"{key} is {topic.cleanup_policy}: Kafka removes all but the newest record of each key",
            value="delete",
            severe=True,
        )


def _retention(
    name: str, topic: TopicState, kafka: KafkaSettings, retention: RetentionSettings
) -> Iterator[TopicFault]:
    kept = retention.plays if name == kafka.plays_topic else retention.rejected
    if topic.retention_ms is not None and 0 <= topic.retention_ms < milliseconds(kept):
        yield TopicFault(
            topic=name,
            key="retention.ms",
            found=f"records are kept for {topic.retention_ms / 86_400_000:g} days, less than the setting in "
            "[retention]",
            remedy=_alter(name, f"retention.ms={milliseconds(kept)}"),
        )
    if topic.retention_bytes is not None and topic.retention_bytes >= 0:
        yield _setting_fault(
            name,
            "retention.bytes",
            f"a partition keeps {topic.retention_bytes:,} bytes at most: records can expire unread",
            value="-1",
        )


def _setting_fault(name: str, key: str, found: str, *, value: str, severe: bool = False) -> TopicFault:
    """A fault that another value of the topic's setting `key` mends."""
    return TopicFault(topic=name, key=key, found=found, remedy=_alter(name, f"{key}={value}"), severe=severe)


def _sizes(name: str, topic: TopicState, needed: int) -> Iterator[TopicFault]:
    key = "max.message.bytes"
    if topic.max_message_bytes is not None and topic.max_message_bytes < needed:
        yield _setting_fault(
            name, key, f"{key} is {topic.max_message_bytes}: larger records are refused", value=f"{needed}"
        )


def _copies(name: str, topic: TopicState, brokers: int) -> Iterator[TopicFault]:
    copies, insync = topic.replication, topic.min_insync_replicas
    if copies < 2 <= brokers:
        yield TopicFault(
            topic=name,
            key="replication.factor",
            found=f"replication factor {copies}: the loss of a broker loses plays",
            remedy="recreate it, or run kafka-reassign-partitions.sh",
        )
    key = "min.insync.replicas"
    if insync is not None and insync > copies:
        yield _setting_fault(
            name,
            key,
            f"{key} is {insync}, but there are {copies} replicas: no record can be written",
            value=f"{max(1, copies - 1)}",
            severe=True,
        )
    elif insync is not None and insync == copies > 1:
        yield _setting_fault(
            name,
            key,
            f"{key} is {insync}, the number of replicas: without one broker no record can be written",
            value=f"{copies - 1}",
        )
    elif insync == 1 and copies > 2:
        yield _setting_fault(
            name, key, f"{key} is 1: the loss of one broker can lose acknowledged plays", value="2"
        )
    if topic.unclean_election:
        key = "unclean.leader.election.enable"
        yield _setting_fault(
            name, key, f"{key} is true: a broker that lacks records may become the leader", value="false"
        )


def _partitions(name: str, topic: TopicState, kafka: KafkaSettings) -> Iterator[TopicFault]:
    if name == kafka.plays_topic and topic.partitions == 1 < kafka.partitions:
        yield TopicFault(
            topic=name,
            key="partitions",
            found="it has 1 partition: only one core reads it",
            remedy=f"run: kafka-topics.sh --bootstrap-server HOST:PORT --alter --topic {name} "
            f"--partitions {kafka.partitions}",
        )
