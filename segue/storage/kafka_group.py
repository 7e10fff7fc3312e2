"""Reads a topic as a member of a consumer group: the members share its partitions.

Delivery: at least once. The places of a group are kept in Kafka and move with :meth:`GroupReader.commit`;
records that were read after the last commit are read again.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from types import TracebackType
from typing import Any, Self

from kafka import ConsumerRebalanceListener, KafkaConsumer, TopicPartition
from kafka.errors import CorruptRecordError

from segue.settings import KafkaSettings
from segue.storage.kafka_records import consuming

log = logging.getLogger(__name__)
_UNREADABLE = (UnicodeDecodeError, CorruptRecordError)
_MOST = 500


class GroupReader(AbstractContextManager["GroupReader"]):
    """A member of a group. An error of Kafka within the block leaves it as a :class:`SegueError`."""

    def __init__(
        self, settings: KafkaSettings, topic: str, *, group: str, since: Callable[[], int | None]
    ) -> None:
        """`since` returns the time (epoch ms) before which nothing needs to be read; None: all is read."""
        self._settings, self._topic, self._group, self._since = settings, topic, group, since
        self._open = ExitStack()

    def __enter__(self) -> Self:
        self._consumer: KafkaConsumer = self._open.enter_context(
            consuming(self._settings, group_id=self._group, max_poll_records=_MOST)
        )
        self._assigned = _Assigned()
        self._consumer.subscribe([self._topic], listener=self._assigned)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._open.__exit__(kind, error, trace)

    def poll(self, *, seconds: float) -> list[bytes]:
        """The values of the next records, after at most `seconds`; the records of a partition in order.

        Records without a value, and those that the client cannot decode, are left out.
        """
        try:
            batches = self._consumer.poll(timeout_ms=round(seconds * 1000))
        except _UNREADABLE:
            self._placed(self._assigned.taken())
            self._skip_damaged()
            return []
        # Their first records may be from before the place at which they are to be read.
        new = self._placed(self._assigned.taken())
        read = [batch for place, batch in batches.items() if place not in new]
        return [record.value for batch in read for record in batch if record.value is not None]

    def _placed(self, assigned: list[TopicPartition]) -> set[TopicPartition]:
        """Go to the first records of partitions that are to be read; returns those that are still ours."""
        new = {place for place in assigned if place in self._consumer.assignment()}
        since = self._since()
        if since is None or not new:
            return set()
        first = self._consumer.offsets_for_times(dict.fromkeys(new, since))
        ends = self._consumer.end_offsets(list(new))
        for place in new:
            begin = ends[place] if first.get(place) is None else first[place].offset
            committed = self._consumer.committed(place)
            self._consumer.seek(place, begin if committed is None else max(committed, begin))
        return new

    def _skip_damaged(self) -> None:
        """Skip the next record of each partition in which it is damaged."""
        with consuming(self._settings) as alone:
            for place in self._consumer.assignment():
                at, end = self._consumer.position(place), alone.end_offsets([place])[place]
                alone.assign([place])
                alone.seek(place, at)
                try:
                    while alone.position(place) < end and not alone.poll(timeout_ms=500):
                        pass
                except _UNREADABLE:
                    log.warning("topic %s: a record cannot be decoded; it is skipped", self._topic)
                    self._consumer.seek(place, at + 1)

    def commit(self) -> None:
        """Keep the places after the records that were read."""
        self._consumer.commit()


class _Assigned(ConsumerRebalanceListener):  # type: ignore[misc]
    """Notes the partitions that a member gets: called in the client's own thread, which must not wait."""

    def __init__(self) -> None:
        self._new: list[TopicPartition] = []

    def on_partitions_revoked(self, revoked: Any) -> None:
        pass

    def on_partitions_assigned(self, assigned: Any) -> None:
        self._new.extend(assigned)

    def taken(self) -> list[TopicPartition]:
        """The partitions since the last call."""
        new = []
        while self._new:
            new.append(self._new.pop())
        return new
