"""Samples of the topics while the queries run, in a separate thread: no micro-batch can delay it."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

from segue.errors import SegueError
from segue.storage.topic_sample import TopicSample, TopicSampler
from segue.streaming_jobs.metrics import Metrics

log = logging.getLogger(__name__)
SECONDS = 5.0
"""The pause between two samples."""
_CLOSE_SECONDS = 2.0


class ReadOffsets:
    """The next offset that each query reads, by partition, after its last finished micro-batch."""

    def __init__(self) -> None:
        self._by_query: dict[str, dict[int, int]] = {}

    def put(self, query: str, offsets: Mapping[int, int]) -> None:
        self._by_query[query] = dict(offsets)

    def progressed(self, report: Mapping[str, Any]) -> None:
        """Take the offsets of Spark's report of a finished micro-batch."""
        for source in report.get("sources") or ():
            for partitions in (source.get("endOffset") or {}).values():
                self.put(report["name"], {int(number): offset for number, offset in partitions.items()})

    def by_query(self) -> dict[str, dict[int, int]]:
        return dict(self._by_query)


def waiting(topic: TopicSample, read: Mapping[int, int]) -> int:
    """The number of records that the topic still has and that a query at these offsets has not read."""
    return sum(max(0, end - max(read.get(n, 0), topic.begins[n])) for n, end in topic.ends.items())


Judge = Callable[[Mapping[str, TopicSample], Mapping[str, Mapping[int, int]]], None]
"""Takes a sample, and the next offsets of each query from before it."""


class TopicWatch:
    """Samples topics, sets their metrics and calls `judge` with each sample, until it is closed."""

    def __init__(
        self,
        sampler: TopicSampler,
        metrics: Metrics,
        read: ReadOffsets,
        *,
        plays_topic: str,
        judge: Judge = lambda sample, read: None,
        seconds: float = SECONDS,
    ) -> None:
        self._sampler, self._metrics, self._read = sampler, metrics, read
        self._plays_topic, self._judge, self._seconds = plays_topic, judge, seconds
        self._failing = False
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="topics", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """End after the sample in progress, if the brokers answer soon."""
        self._stop.set()
        self._thread.join(_CLOSE_SECONDS)
        self._sampler.close()

    def _run(self) -> None:
        while True:
            try:
                self._once()
            # Without samples a changed topic would go unnoticed: a full disk, for example, must not end them.
            except Exception as error:
                log.warning("a sample of the topics is not used: %s", error)
            if self._stop.wait(self._seconds):
                return

    def _once(self) -> None:
        # Before the sample: a query may read on while it is taken.
        read = self._read.by_query()
        try:
            sample = self._sampler.sample()
        except SegueError as error:
            if not self._failing:
                log.warning("the topics cannot be sampled: %s", error)
            self._failing = True
            return
        self._failing = False
        self._export(sample, read)
        self._judge(sample, read)

    def _export(self, sample: Mapping[str, TopicSample], read: Mapping[str, Mapping[int, int]]) -> None:
        for topic in sample.values():
            self._metrics.topic_end.labels(topic.name).set(topic.end)
        if plays := sample.get(self._plays_topic):
            for query, offsets in read.items():
                self._metrics.backlog.labels(query).set(waiting(plays, offsets))
        self._metrics.topics_sampled.set(time.time())
