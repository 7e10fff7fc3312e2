"""A query beside the recommendations fails, and starts again alone."""

from __future__ import annotations

import errno
import logging
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from kafka import KafkaAdminClient
from prometheus_client import generate_latest
from pymongo.database import Database
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.streaming.query import StreamingQuery

from segue.errors import SegueError
from segue.plays.delivery import PlayProducer
from segue.settings import Settings
from segue.storage.kafka import ensure_topics, read_rejected
from segue.storage.kafka_client import client_options
from segue.storage.mongo import Document
from segue.streaming_jobs.metrics import Metrics
from segue.streaming_jobs.query import POOL, BatchGate, foreach_batch, start_query
from segue.streaming_jobs.supervision import FIRST_PAUSE, LONGEST_PAUSE, MainQuery, SideQuery
from segue.streaming_jobs.topic_guard import RecordsLost
from tests.plays.examples import a_play
from tests.streaming.conftest import track_id
from tests.streaming.job import RestartingJob
from tests.waiting import until


class Moody:
    """Starts a query over Spark's clock that does its work while `works` is true."""

    def __init__(self, spark: SparkSession, folder: Path) -> None:
        self._spark, self._folder = spark, folder
        self.works, self.starts = True, 0
        self.batches: list[int] = []
        self.query: StreamingQuery | None = None

    def __call__(self, *, gate: BatchGate) -> StreamingQuery:
        self.starts += 1
        if not self.works:
            raise SegueError("no leader: wait for one")
        ticks = self._spark.readStream.format("rate").option("rowsPerSecond", 10).load()
        writer = ticks.writeStream.option("checkpointLocation", str(self._folder))
        self.query = foreach_batch(writer, gate.guarded(self._work), spark=self._spark).start()
        return self.query

    def _work(self, rows: DataFrame, batch: int) -> None:
        if not self.works:
            raise ValueError("made up")
        self.batches.append(batch)


def metric(metrics: Metrics, line: str) -> bool:
    return line in generate_latest(metrics.registry).decode().splitlines()


def test_it_starts_again_with_growing_pauses(
    spark: SparkSession, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.ERROR)
    now, metrics, moody = [0.0], Metrics(), Moody(spark, tmp_path / "moody")
    side = SideQuery("moody", moody, metrics=metrics, clock=lambda: now[0])

    def fails() -> int:
        assert moody.query is not None
        moody.works = False
        query = moody.query
        until(lambda: not query.isActive, "the query fails")
        side.check()
        return moody.starts

    until(lambda: moody.batches, "the query works")
    assert metric(metrics, 'segue_query_running{query="moody"} 1.0')
    assert metric(metrics, 'segue_query_failures_total{query="moody"} 0.0')
    starts = fails()
    assert metric(metrics, 'segue_query_running{query="moody"} 0.0')
    assert "the query 'moody' failed: ValueError: made up; it starts again in 5 s" in caplog.text
    pauses = []
    for _ in range(9):  # each start fails at once
        began = now[0]
        while moody.starts == starts:
            now[0] += 1.0
            side.check()
        starts = moody.starts
        pauses.append(now[0] - began)
    assert pauses == [min(FIRST_PAUSE * 2**n, LONGEST_PAUSE) for n in range(9)]
    assert "does not start: no leader: wait for one" in caplog.text
    assert metric(metrics, 'segue_query_failures_total{query="moody"} 10.0')
    moody.works, done = True, len(moody.batches)
    now[0] += LONGEST_PAUSE
    side.check()
    until(lambda: len(moody.batches) > done, "the query works again")
    assert metric(metrics, 'segue_query_running{query="moody"} 1.0')
    assert moody.batches == sorted(set(moody.batches)), "from its checkpoint on"
    now[0] += LONGEST_PAUSE  # it has run well for a while
    starts = fails()
    moody.works = True
    now[0] += FIRST_PAUSE
    side.check()
    assert moody.starts == starts + 1
    side.stop()
    assert moody.query and not moody.query.isActive


class FullDisk:
    """The topic of a query whose note cannot be written."""

    def admit(self) -> bool:
        raise OSError(errno.ENOSPC, "No space left on device")

    def changed(self) -> bool:
        return False


def test_a_side_query_that_cannot_start_does_not_end_the_others(caplog: pytest.LogCaptureFixture) -> None:
    def start(*, gate: BatchGate) -> StreamingQuery:
        raise AssertionError("its topic was not admitted")

    now = [0.0]
    side = SideQuery("moody", start, metrics=Metrics(), topic=FullDisk(), clock=lambda: now[0])
    now[0] += FIRST_PAUSE
    side.check()
    assert caplog.text.count("the query 'moody' does not start: a disk is full") == 2


def test_the_main_query_and_a_drained_one_end_with_their_cause(spark: SparkSession, tmp_path: Path) -> None:
    kinds: list[Callable[..., MainQuery | SideQuery]] = [MainQuery, SideQuery]
    for kind in kinds:
        moody = Moody(spark, tmp_path / kind.__name__)
        query = kind("moody", moody, metrics=Metrics())
        query.check(restart=False)
        moody.works = False
        assert moody.query is not None
        until(lambda ends=moody.query: not ends.isActive, "the query fails")  # type: ignore[misc]
        with pytest.raises(SegueError, match="the query 'moody' failed: ValueError: made up"):
            query.check(restart=False)


def test_each_query_has_its_own_share_of_the_cores(spark: SparkSession, tmp_path: Path) -> None:
    pools: list[str | None] = []

    def work(rows: DataFrame, batch: int) -> None:
        rows.count()
        pools.append(spark.sparkContext.getLocalProperty(POOL))

    rows = spark.readStream.format("rate").load()
    gate = BatchGate()
    query = start_query(
        rows,
        work,
        name="pooled",
        checkpoint=str(tmp_path),
        every=timedelta(seconds=1),
        gate=gate,
        mode="append",
    )
    until(lambda: pools, "a micro-batch")
    gate.stop(query)
    assert set(pools) == {"pooled"}
    assert spark.sparkContext.getConf().get("spark.scheduler.mode") == "FAIR"


def test_the_recommendations_go_on_while_rejected_plays_cannot_be_written(
    published: Settings, database: Database[Document], tmp_path: Path
) -> None:
    """Somebody deletes the topic of rejected plays under the running job, and creates it again later."""
    stream = published.stream.model_copy(update={"metrics_port": 0})
    settings = published.model_copy(update={"stream": stream})
    log = tmp_path / "job.log"

    def plan(user: str, producer: PlayProducer) -> None:
        producer.send(a_play(user_id=user, track_id=track_id(3), occurred_at=time.time_ns() // 1_000_000))
        until(lambda: database.recommendations.find_one({"_id": user}), f"a plan for {user} (see {log})")

    with RestartingJob(settings, log) as job, PlayProducer(settings.kafka) as producer:
        plan("before", producer)
        producer.send_bytes(b"first")
        until(lambda: len(list(read_rejected(settings.kafka))) == 1, "the first is kept")
        admin = KafkaAdminClient(**client_options(settings.kafka))
        admin.delete_topics([settings.kafka.rejected_topic])
        admin.close()
        producer.send_bytes(b"second")
        until(lambda: "the query 'rejected plays' failed" in log.read_text(), "the query fails")
        assert f"has no leader: {settings.kafka.rejected_topic}" in log.read_text()
        plan("meanwhile", producer)
        ensure_topics(settings.kafka)
        # The topic has another id, so the query reads all plays again for it.
        both = [b"first", b"second"]
        until(lambda: sorted(r.value or b"" for r in read_rejected(settings.kafka)) == both, "both are kept")
        plan("afterwards", producer)
        assert job.starts == 1


class Changing:
    """A topic that changes when a test says so."""

    def __init__(self) -> None:
        self.is_another, self.has_moved, self.error = False, False, ""

    def admit(self) -> bool:
        if self.error:
            raise RecordsLost(self.error)
        self.is_another = False
        return self.has_moved

    def changed(self) -> bool:
        return self.is_another


@pytest.mark.parametrize("kind", [MainQuery, SideQuery])
def test_a_query_starts_again_at_once_when_its_topic_has_changed(
    spark: SparkSession, tmp_path: Path, kind: type[MainQuery | SideQuery]
) -> None:
    moody, topic = Moody(spark, tmp_path / "moody"), Changing()
    query = kind("moody", moody, metrics=Metrics(), topic=topic)
    until(lambda: moody.batches, "a batch")
    query.check()
    assert moody.starts == 1
    topic.is_another, former, batches = True, moody.query, len(moody.batches)
    query.check()
    assert former is not None and not former.isActive
    assert moody.starts == 2
    until(lambda: len(moody.batches) > batches, "a batch of the new topic")
    query.stop()


def test_the_recommendations_continue_after_a_loss_that_made_them_fail(
    spark: SparkSession, tmp_path: Path
) -> None:
    moody, topic = Moody(spark, tmp_path / "moody"), Changing()
    query = MainQuery("moody", moody, metrics=Metrics(), topic=topic)
    moody.works = False
    until(lambda: moody.query and not moody.query.isActive, "the query fails")
    moody.works = topic.has_moved = True
    query.check()
    assert moody.starts == 2
    query.stop()


def test_a_loss_that_the_settings_do_not_allow_ends_the_recommendations_with_its_line(
    spark: SparkSession, tmp_path: Path
) -> None:
    moody, topic = Moody(spark, tmp_path / "moody"), Changing()
    query = MainQuery("moody", moody, metrics=Metrics(), topic=topic)
    topic.is_another, topic.error = True, "7 records lost"
    with pytest.raises(RecordsLost, match="7 records lost"):
        query.check()
    assert moody.starts == 1
    assert moody.query is not None and not moody.query.isActive


def test_a_loss_ends_a_query_beside_the_recommendations_alone(
    spark: SparkSession, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    moody, topic, metrics = Moody(spark, tmp_path / "moody"), Changing(), Metrics()
    query = SideQuery("moody", moody, metrics=metrics, topic=topic)
    topic.is_another, topic.error = True, "7 records lost"
    query.check()
    assert "7 records lost" in caplog.text
    assert metric(metrics, 'segue_query_running{query="moody"} 0.0')
    assert moody.query is not None and not moody.query.isActive
