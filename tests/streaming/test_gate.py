"""Stopping between two micro-batches."""

from __future__ import annotations

import logging
import threading
import time
from datetime import timedelta
from pathlib import Path

import pytest
from pymongo.database import Database
from pyspark.errors import StreamingQueryException
from pyspark.sql import DataFrame, SparkSession

from segue.plays.delivery import PlayProducer
from segue.settings import Settings
from segue.storage.mongo import Document
from segue.storage.store import Store
from segue.streaming_jobs.metrics import Metrics
from segue.streaming_jobs.progress import ProgressKeeper
from segue.streaming_jobs.query import BatchFunction, BatchGate, kafka_records
from tests.plays.examples import a_play
from tests.waiting import until


def test_the_batch_in_progress_is_finished_and_committed_and_no_other_begins(
    spark: SparkSession, broker: Settings, tmp_path: Path
) -> None:
    began, finished = threading.Event(), []

    def slow(rows: DataFrame, batch: int) -> None:
        began.set()
        time.sleep(2)
        finished.append((batch, rows.count()))

    gate = BatchGate()
    with PlayProducer(broker.kafka) as producer:
        producer.send(a_play())
        producer.flush()
        query = (
            kafka_records(spark, broker, name="gate")
            .writeStream.option("checkpointLocation", str(tmp_path / "checkpoint"))
            .foreachBatch(gate.guarded(slow))
            .start()
        )
        assert began.wait(600)
        producer.send(a_play())  # there is more to do, so that another batch would begin at once
        producer.flush()
    assert gate.stop(query)
    assert not query.isActive
    assert finished == [(0, 1)]
    assert sorted(p.name for p in (tmp_path / "checkpoint" / "commits").glob("[0-9]*")) == ["0"]


def test_only_a_query_that_was_not_told_to_end_is_an_error(
    spark: SparkSession,
    broker: Settings,
    database: Database[Document],
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    def fail(rows: DataFrame, batch: int) -> None:
        raise ValueError("made up")

    def level_of_end(name: str, work: BatchFunction) -> int:
        caplog.clear()
        query = (
            kafka_records(spark, broker, name=name)
            .writeStream.option("checkpointLocation", str(tmp_path / name))
            .foreachBatch(work)
            .start()
        )
        with pytest.raises(StreamingQueryException):
            query.awaitTermination(600)

        def told() -> list[int]:
            return [one.levelno for one in caplog.records if "a query ended" in one.message]

        until(lambda: bool(told()), "the end is told")
        (level,) = told()
        return level

    with PlayProducer(broker.kafka) as producer:
        producer.send(a_play())
    caplog.set_level(logging.INFO)
    gate = BatchGate()
    idle = spark.readStream.format("rate").load().writeStream.format("noop")
    gate.stop(idle.option("checkpointLocation", str(tmp_path / "idle")).start())
    keeper = ProgressKeeper(Store(database), Metrics(), single=timedelta(hours=1), summed=timedelta(days=1))
    keeper.listen(spark)
    try:
        assert level_of_end("held", gate.guarded(fail)) == logging.INFO
        assert level_of_end("failed", fail) == logging.ERROR
        [in_full, line] = _errors(caplog)
        assert line == "a query ended: ValueError: made up"
        assert "Traceback" in in_full, "the cause is not known, so its place in the code is needed"

        def fills(rows: DataFrame, batch: int) -> None:
            raise OSError(28, "No space left on device")

        assert level_of_end("full", fills) == logging.ERROR
        [line] = _errors(caplog)
        assert line.startswith("a query ended: a disk is full (OSError")
    finally:
        keeper.close()


def _errors(caplog: pytest.LogCaptureFixture) -> list[str]:
    """The messages of Segue's own loggers."""
    own = (one for one in caplog.records if one.name.startswith("segue."))
    return [one.message for one in own if one.levelno >= logging.ERROR]


def test_an_idle_query_ends_at_once(spark: SparkSession, broker: Settings, tmp_path: Path) -> None:
    gate = BatchGate()
    query = (
        kafka_records(spark, broker, name="gate")
        .writeStream.option("checkpointLocation", str(tmp_path / "checkpoint"))
        .foreachBatch(gate.guarded(lambda rows, batch: None))
        .start()
    )
    query.processAllAvailable()
    assert gate.stop(query)
    assert query.exception() is None
