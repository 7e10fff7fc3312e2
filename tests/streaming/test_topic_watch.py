"""The samples of topics beside the queries, against a real broker."""

from __future__ import annotations

from functools import partial
from typing import cast

import psutil
import pytest

from segue.settings import Settings
from segue.storage import topic_sample
from segue.storage.kafka import RecordProducer
from segue.storage.topic_sample import TopicSample, TopicSampler
from segue.streaming_jobs.metrics import Metrics
from segue.streaming_jobs.topic_watch import ReadOffsets, TopicWatch, waiting
from tests.streaming.test_rejected_plays import serving
from tests.waiting import PATIENCE, until


def test_the_backlog_grows_while_no_micro_batch_ends(broker: Settings) -> None:
    plays, metrics, read = broker.kafka.plays_topic, Metrics(), ReadOffsets()
    read.put("recommend", dict.fromkeys(range(broker.kafka.partitions), 0))
    watch = TopicWatch(TopicSampler(broker.kafka, [plays]), metrics, read, plays_topic=plays, seconds=0.1)
    try:
        for number in (1, 2):
            with RecordProducer(broker.kafka, topic=plays) as producer:
                producer.deliver_bytes([(b"x", None)] * 3, seconds=PATIENCE)
            until(partial(waits, metrics, 3 * number), "the backlog")
            assert value(metrics, "segue_topic_end_offset", topic=plays) == 3 * number
    finally:
        watch.close()


def test_a_broker_that_hangs_is_seen_in_the_time_of_the_last_sample(
    broker: Settings, bootstrap: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(topic_sample, "_ANSWER_MS", 500)
    plays, metrics = broker.kafka.plays_topic, Metrics()
    process: psutil.Process = serving(bootstrap)
    watch = TopicWatch(
        TopicSampler(broker.kafka, [plays]), metrics, ReadOffsets(), plays_topic=plays, seconds=0.1
    )
    try:
        until(lambda: sampled(metrics) > 0, "the first sample")
        process.suspend()
        until(lambda: "cannot be sampled" in caplog.text, "the warning")
        stopped = sampled(metrics)
        process.resume()
        until(lambda: sampled(metrics) > stopped, "the next sample")
    finally:
        process.resume()
        watch.close()


def test_offsets_that_are_read_during_a_sample_are_not_compared_with_it() -> None:
    read, metrics = ReadOffsets(), Metrics()
    read.put("recommend", {0: 5})
    judged: list[tuple[int, int]] = []

    class Busy:
        """Each sample takes so long that the query reads on meanwhile."""

        def sample(self) -> dict[str, TopicSample]:
            end = read.by_query()["recommend"][0]
            read.put("recommend", {0: end + 10})
            return {"plays": TopicSample(name="plays", id="a", begins={0: 0}, ends={0: end})}

        def close(self) -> None:
            """Nothing is open."""

    watch = TopicWatch(
        cast("TopicSampler", Busy()),
        metrics,
        read,
        plays_topic="plays",
        judge=lambda topics, offsets: judged.append((topics["plays"].ends[0], offsets["recommend"][0])),
        seconds=0.01,
    )
    until(lambda: len(judged) >= 3, "three samples")
    watch.close()
    assert all(read_so_far <= end for end, read_so_far in judged)


def test_expired_records_do_not_wait() -> None:
    topic = TopicSample(name="plays", id=None, begins={0: 10, 1: 0}, ends={0: 15, 1: 4})
    assert waiting(topic, {0: 5, 1: 1}) == 5 + 3
    assert waiting(topic, {0: 12}) == 3 + 4
    assert waiting(topic, {0: 99, 1: 4}) == 0


def waits(metrics: Metrics, records: int) -> bool:
    return value(metrics, "segue_backlog_records", query="recommend") == records


def sampled(metrics: Metrics) -> float:
    return value(metrics, "segue_topics_sampled_timestamp_seconds")


def value(metrics: Metrics, name: str, **labels: str) -> float:
    return metrics.registry.get_sample_value(name, labels) or 0.0
