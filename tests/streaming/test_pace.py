"""A query beside the recommendations waits for few records, and works off many without a pause."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from pyspark.sql import DataFrame, SparkSession

from segue.plays.delivery import PlayProducer
from segue.settings import Settings
from segue.streaming_jobs import query as queries
from segue.streaming_jobs.query import BatchGate, Pace, kafka_records, start_query
from tests.waiting import until

CORES = 2
AT_ONCE = 10


def test_a_backlog_is_worked_off_in_short_tasks_and_its_rest_waits(
    spark: SparkSession, broker: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queries, "_BATCH_RECORDS", AT_ONCE)
    monkeypatch.setattr(queries, "_TASK_RECORDS", 4)
    with PlayProducer(broker.kafka) as producer:
        for number in range(2 * CORES * AT_ONCE + 5):
            producer.send_bytes(b"%d" % number)
    sizes: list[int] = []
    largest: list[int] = []

    def work(rows: DataFrame, batch: int) -> None:
        tasks = rows.rdd.glom().map(len).collect()
        largest.append(max(tasks))
        sizes.append(sum(tasks))

    pace = Pace.aside(spark, broker, every=timedelta(hours=1))
    gate = BatchGate()
    query = start_query(
        kafka_records(spark, broker, name="pace", pace=pace),
        work,
        name="pace",
        checkpoint=str(tmp_path),
        every=pace.trigger,
        gate=gate,
        mode="append",
    )
    until(lambda: sum(sizes) >= 2 * CORES * AT_ONCE, "the full micro-batches")
    gate.stop(query)
    assert sizes == [CORES * AT_ONCE] * 2, "an hour is not over, so that the rest waits"
    assert max(largest) <= 4
    assert query.exception() is None


def test_without_an_interval_nothing_waits(spark: SparkSession, broker: Settings) -> None:
    pace = Pace.aside(spark, broker, every=timedelta(0))
    assert pace.trigger == timedelta(0)
    assert "minOffsetsPerTrigger" not in pace.options()
    assert Pace.at_once(broker).options() == {
        "maxOffsetsPerTrigger": str(broker.stream.max_offsets_per_trigger)
    }
