"""A query beside the recommendations waits for few records, and works off many without a pause."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from segue.plays.delivery import PlayProducer
from segue.settings import Settings
from segue.streaming_jobs import pace as paces
from segue.streaming_jobs import query as queries
from segue.streaming_jobs.pace import Pace
from segue.streaming_jobs.query import BatchGate, kafka_records, resting, start_query
from tests.streaming.rests import Rests
from tests.waiting import until

CORES = 2
AT_ONCE = 10
RECORDS = 45


def test_a_backlog_is_worked_off_in_short_tasks_and_its_rest_waits(
    spark: SparkSession, broker: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(paces, "_TASK_RECORDS", 4)
    with PlayProducer(broker.kafka) as producer:
        for number in range(RECORDS):
            producer.send_bytes(b"%d" % number)
    sizes: list[int] = []
    largest: list[int] = []

    def work(rows: DataFrame, batch: int) -> None:
        counted = rows.groupBy(F.spark_partition_id()).count()
        tasks = [row["count"] for row in counted.collect()]
        largest.append(max(tasks))
        sizes.append(sum(tasks))

    pace = Pace.aside(spark, broker, every=timedelta(hours=1), by_core=AT_ONCE)
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
    full = CORES * AT_ONCE
    until(lambda: sum(sizes) > RECORDS - full or query.exception(), "all but a part of a micro-batch")
    gate.stop(query)
    assert len(sizes) >= 2 and max(sizes) <= full
    assert sum(sizes) < RECORDS, "an hour is not over, so that the rest waits"
    assert max(largest) <= 4
    assert query.exception() is None


def test_without_an_interval_nothing_waits(spark: SparkSession, broker: Settings) -> None:
    pace = Pace.aside(spark, broker, every=timedelta(0))
    assert pace.trigger == timedelta(0)
    assert "minOffsetsPerTrigger" not in pace.options()
    assert Pace.at_once(broker).options() == {
        "maxOffsetsPerTrigger": str(broker.stream.max_offsets_per_trigger)
    }


def test_a_query_rests_while_it_works_off_a_backlog(
    spark: SparkSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queries, "_LONG_SECONDS", -1.0)
    rows = spark.range(0)

    def rests(*, within: timedelta | None) -> int:
        gate, done = Rests(), []
        work = resting(lambda rows, batch: done.append(batch), gate, times=1.0, within=within)
        for batch in range(3):
            work(rows, batch)
        assert done == [0, 1, 2]
        return len(gate.seconds)

    assert rests(within=timedelta(hours=1)) == 2, "nobody knows how long the first one waited"
    assert rests(within=timedelta(0)) == 0
    assert rests(within=None) == 3
