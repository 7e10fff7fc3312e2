"""Kafka records to plays or rejected records: each faulty record for its own reason, none lost."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from segue.plays.event import fault
from segue.plays.parsing import parse, plays, rejected, signal_weight
from segue.plays.signals import TYPES as SIGNAL_TYPES
from segue.plays.signals import signal_weight as signal_weight_of
from segue.settings import load_settings
from tests.plays.examples import a_play, encoded

SETTINGS = load_settings()
ARRIVED = datetime(2026, 3, 1, 12, tzinfo=UTC)
NOW = int(ARRIVED.timestamp() * 1000)
HOUR = 3_600_000

FAULTY = {
    "empty": None,
    "too_large": encoded(occurred_at=NOW, junk="x" * 70_000),
    "not_utf8": b'{"event_id": "\xff\xfe"}',
    "malformed": b'{"event_id": "cut off',
    "missing_user_id": encoded(occurred_at=NOW, user_id=...),
    "missing_occurred_at": encoded(occurred_at=None),
    "invalid_event_id": encoded(occurred_at=NOW, event_id="not a uuid"),
    "invalid_type": encoded(occurred_at=NOW, type="hum"),
    "invalid_ms_played": encoded(occurred_at=NOW, ms_played=-1),
    "invalid_source": encoded(occurred_at=NOW, source="dream"),
    "invalid_session_id": encoded(occurred_at=NOW, session_id="s1\n"),
    "invalid_track_id": encoded(occurred_at=NOW, track_id="has space"),
    "invalid_rank": encoded(occurred_at=NOW, rank=-3),
    "future": encoded(occurred_at=NOW + HOUR),
    "late": encoded(occurred_at=NOW - 2 * HOUR),
}
MALFORMED = {
    "an array": b"[1, 2]",
    "a number": b"7",
    "nothing": b"",
    "text for a number": encoded(occurred_at=NOW, ms_played="long"),
    "a fraction": encoded(occurred_at=NOW, ms_played=1.5),
    "something after it": encoded(occurred_at=NOW) + b" and more",
    "single quotes": str(a_play(occurred_at=NOW)).encode(),
    "too large a number": encoded(occurred_at=NOW, ms_played=2**70),
}


def records(spark: SparkSession, values: list[bytes | None]) -> DataFrame:
    rows = [(value, "plays", 0, offset, ARRIVED) for offset, value in enumerate(values)]
    return spark.createDataFrame(
        rows, "value binary, topic string, partition int, offset long, timestamp timestamp"
    )


def reasons(spark: SparkSession, values: list[bytes | None]) -> list[str | None]:
    parsed = parse(records(spark, values), stream=SETTINGS.stream)
    return [row.reason for row in parsed.orderBy("offset").collect()]


def test_each_faulty_record_is_rejected_for_its_own_reason(spark: SparkSession) -> None:
    assert reasons(spark, list(FAULTY.values())) == list(FAULTY)


def test_what_is_not_an_object_of_a_play_is_malformed(spark: SparkSession) -> None:
    found = reasons(spark, list(MALFORMED.values()))
    assert dict(zip(MALFORMED, found, strict=True)) == dict.fromkeys(MALFORMED, "malformed")


def test_a_rejected_record_keeps_its_bytes_and_its_place(spark: SparkSession) -> None:
    parsed = parse(records(spark, [encoded(occurred_at=NOW), b"\xffgarbage"]), stream=SETTINGS.stream)
    row = rejected(parsed).collect()[0]
    assert (row.reason, bytes(row.value), row.topic, row.partition, row.offset) == (
        "not_utf8",
        b"\xffgarbage",
        "plays",
        0,
        1,
    )


def test_every_record_comes_out_on_exactly_one_side(spark: SparkSession) -> None:
    values = [*FAULTY.values(), *MALFORMED.values(), encoded(occurred_at=NOW)]
    parsed = parse(records(spark, values), stream=SETTINGS.stream)
    assert (plays(parsed).count(), rejected(parsed).count()) == (1, len(values) - 1)


def test_a_play_keeps_every_field_and_may_bring_new_ones(spark: SparkSession) -> None:
    play = a_play(occurred_at=NOW, recommendation_id="r1", rank=3, model="v1")
    parsed = parse(records(spark, [json.dumps(play | {"mood": "calm"}).encode()]), stream=SETTINGS.stream)
    assert plays(parsed).collect()[0].asDict() == play


@pytest.mark.parametrize("name", [n for n in FAULTY if n.startswith(("missing", "invalid"))])
def test_producer_and_stream_give_the_same_verdict(name: str) -> None:
    assert fault(json.loads(FAULTY[name] or b"{}")) == name


def test_the_producer_refuses_what_json_cannot_hold_as_a_whole_number() -> None:
    assert fault(a_play(ms_played=True)) == "invalid_ms_played"
    assert fault(a_play(ms_played="long")) == "invalid_ms_played"
    assert fault(a_play(user_id=7)) == "invalid_user_id"
    assert fault(a_play()) is None


def test_spark_and_python_weigh_signals_alike(spark: SparkSession) -> None:
    cases = [
        (kind, played, duration)
        for kind in (*SIGNAL_TYPES, "pause", "seek", "impression")
        for played, duration in (
            (0, 200_000),
            (5000, 200_000),
            (200_000, 200_000),
            (300_000, 200_000),
            (5, 0),
        )
    ]
    table = spark.createDataFrame(cases, "type string, ms_played long, duration_ms long")
    rows = table.select("*", signal_weight(SETTINGS.signals).alias("weight")).collect()
    expected = [
        signal_weight_of(kind, ms_played=played, duration_ms=duration, signals=SETTINGS.signals)
        for kind, played, duration in cases
    ]
    assert [row.weight for row in rows] == [w if w is None else pytest.approx(w) for w in expected]


def test_an_early_skip_a_late_skip_a_completed_play_and_a_dislike_differ(spark: SparkSession) -> None:
    def weight(kind: str, played: int) -> float:
        found = signal_weight_of(kind, ms_played=played, duration_ms=200_000, signals=SETTINGS.signals)
        assert found is not None
        return found

    order = [weight("dislike", 0), weight("skip", 5000), weight("skip", 190_000), weight("complete", 200_000)]
    assert order == sorted(order)
    assert order[1] < 0 < order[2]


def test_arrival_decides_lateness_and_not_the_clock(spark: SparkSession) -> None:
    edge = timedelta(hours=1)
    on_time = encoded(occurred_at=NOW - int(edge.total_seconds() * 1000))
    parsed = parse(records(spark, [on_time]), stream=SETTINGS.stream).withColumn("now", F.current_timestamp())
    assert parsed.collect()[0].reason is None
