"""Samples of topics: their identity, and the first and the next offset of each partition."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from kafka import KafkaAdminClient, TopicPartition
from kafka.admin import OffsetSpec
from kafka.errors import KafkaError, UnknownTopicOrPartitionError, for_code

from segue.errors import SegueError
from segue.settings import KafkaSettings
from segue.storage.kafka_client import reaching

_ANSWER_MS = 5000
"""How long a broker may take to answer; a hanging one must not delay the next sample much."""
_NO_ID = "00000000-0000-0000-0000-000000000000"


@dataclass(frozen=True, kw_only=True)
class TopicSample:
    """A topic at the time of the sample.

    A topic that is deleted and created again gets another `id`, also if it reaches the same offsets again
    (KIP-516).
    """

    name: str
    id: str | None
    """None if the brokers give no ids: those before Kafka 2.8."""
    begins: Mapping[int, int] = field(default_factory=dict)
    """The offset of the first record that is left, by partition."""
    ends: Mapping[int, int] = field(default_factory=dict)
    """The offset of the next record, by partition."""

    @property
    def end(self) -> int:
        """The sum of the ends: the number of records that the topic ever had."""
        return sum(self.ends.values())


class TopicSampler:
    """Samples topics with a separate client, which is created again after an error. Threads take turns."""

    def __init__(self, settings: KafkaSettings, topics: Sequence[str]) -> None:
        self._settings, self._topics = settings, list(dict.fromkeys(topics))
        self._admin: KafkaAdminClient | None = None
        self._turn = threading.Lock()

    def sample(self) -> dict[str, TopicSample]:
        """The topics by name; a topic that does not exist is missing.

        Raises
        ------
        SegueError
            A broker does not answer, a partition has no leader, or the user may not read the topic.
        """
        with self._turn:
            try:
                with reaching(self._settings) as options:
                    return self._sampled(self._client(options))
            except SegueError:
                self._drop()
                raise

    def offsets_at(self, topic: str, time_ms: int) -> dict[int, int]:
        """The first offset of each partition at or after a time in epoch ms; its end if there is none.

        Raises
        ------
        SegueError
            As for :meth:`sample`.
        """
        now = self.sample()[topic]
        with self._turn, reaching(self._settings) as options:
            places = [TopicPartition(topic, partition) for partition in now.ends]
            found = self._client(options).list_partition_offsets(
                dict.fromkeys(places, time_ms), timeout_ms=_ANSWER_MS
            )
        return {
            place.partition: now.ends[place.partition] if found[place].offset < 0 else found[place].offset
            for place in places
        }

    def _client(self, options: Mapping[str, object]) -> KafkaAdminClient:
        if self._admin is None:
            self._admin = KafkaAdminClient(**{**options, "request_timeout_ms": _ANSWER_MS})
        return self._admin

    def _sampled(self, admin: KafkaAdminClient) -> dict[str, TopicSample]:
        partitions: dict[TopicPartition, object] = {}
        ids: dict[str, str | None] = {}
        for topic in admin.describe_topics(self._topics):
            if topic["error_code"] == UnknownTopicOrPartitionError.errno:
                continue
            if topic["error_code"]:
                raise for_code(topic["error_code"])(topic["name"])
            identity = str(topic.get("topic_id") or _NO_ID)
            ids[topic["name"]] = None if identity == _NO_ID else identity
            for partition in topic["partitions"]:
                partitions[TopicPartition(topic["name"], partition["partition_index"])] = None
        places = list(partitions)
        begins = self._offsets(admin, places, OffsetSpec.EARLIEST)
        ends = self._offsets(admin, places, OffsetSpec.LATEST)
        return {
            name: TopicSample(
                name=name,
                id=identity,
                begins={place.partition: begins[place] for place in places if place.topic == name},
                ends={place.partition: ends[place] for place in places if place.topic == name},
            )
            for name, identity in ids.items()
        }

    def _offsets(
        self, admin: KafkaAdminClient, places: Sequence[TopicPartition], spec: OffsetSpec
    ) -> dict[TopicPartition, int]:
        if not places:
            return {}
        found = admin.list_partition_offsets(dict.fromkeys(places, spec), timeout_ms=_ANSWER_MS)
        return {place: found[place].offset for place in places}

    def _drop(self) -> None:
        admin, self._admin = self._admin, None
        if admin is not None:
            # Closing may wait for the broker that does not answer.
            threading.Thread(target=_close, args=(admin,), name="kafka", daemon=True).start()

    def close(self) -> None:
        """Close the client."""
        with self._turn:
            self._drop()


def _close(admin: KafkaAdminClient) -> None:
    try:
        admin.close()
    except KafkaError:
        return  # it is not used again
