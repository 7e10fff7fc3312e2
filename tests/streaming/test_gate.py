"""Stopping between two micro-batches."""

from __future__ import annotations

import threading
import time
from pathlib import Path

from pyspark.sql import DataFrame, SparkSession

from segue.settings import Settings
from segue.storage.kafka import PlayProducer
from streaming_jobs.gate import BatchGate
from streaming_jobs.source import kafka_records
from tests.plays.examples import a_play


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
        assert began.wait(30)
        producer.send(a_play())  # there is more to do, so that another batch would begin at once
        producer.flush()
    assert gate.stop(query)
    assert not query.isActive
    assert finished == [(0, 1)]
    assert sorted(p.name for p in (tmp_path / "checkpoint" / "commits").glob("[0-9]*")) == ["0"]


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
