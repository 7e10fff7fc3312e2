"""Kafka records to plays or rejected records: each faulty record for its own reason, none lost."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest
from pyspark.sql import DataFrame, SparkSession

from segue.plays.event import FIELDS, fault
from segue.settings import load_settings
from segue.spark.plays import DELAYED, REASONS, parse, plays, set_aside, well_formed
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
    "invalid_propensity": encoded(occurred_at=NOW, propensity=0),
    "future": encoded(occurred_at=NOW + HOUR),
    "late": encoded(occurred_at=NOW - 31 * 24 * HOUR),
}
MALFORMED = {
    "an array": b"[1, 2]",
    "a number": b"7",
    "nothing": b"",
    "text for a number": encoded(occurred_at=NOW, ms_played="long"),
    "a fraction": encoded(occurred_at=NOW, ms_played=1.5),
    "something after it": encoded(occurred_at=NOW) + b" and more",
    "two plays": encoded(occurred_at=NOW) * 2,
    "two plays in lines": encoded(occurred_at=NOW) + b"\n" + encoded(occurred_at=NOW) + b"\n",
    "a brace after it": encoded(occurred_at=NOW) + b" }",
    "an empty object after it": encoded(occurred_at=NOW) + b"{}",
    "a form feed after it": encoded(occurred_at=NOW) + b"\x0c",
    "no end": encoded(occurred_at=NOW)[:-1] + b', "x": {"y": 1}',
    "a comma before the end": encoded(occurred_at=NOW)[:-1] + b", }",
    "single quotes": str(a_play(occurred_at=NOW)).encode(),
    "too large a number": encoded(occurred_at=NOW, ms_played=2**70),
}


def records(spark: SparkSession, values: list[bytes | None], *, arrived: datetime = ARRIVED) -> DataFrame:
    rows = [(value, "plays", 0, offset, arrived) for offset, value in enumerate(values)]
    return spark.createDataFrame(
        rows, "value binary, topic string, partition int, offset long, timestamp timestamp"
    )


def reasons(
    spark: SparkSession, values: list[bytes | None], *, arrived: datetime = ARRIVED
) -> list[str | None]:
    """The reason for which each record is on the rejected side, None for one on the side of the plays."""
    parsed = parse(records(spark, values, arrived=arrived))
    refused = {row.offset: row.reason for row in set_aside(parsed, stream=SETTINGS.stream).collect()}
    taken = {row.offset for row in _with_offset(parsed).collect()}
    assert sorted([*refused, *taken]) == list(range(len(values)))  # each on exactly one side
    return [refused.get(offset) for offset in range(len(values))]


def _with_offset(parsed: DataFrame) -> DataFrame:
    """The records that are plays, by their places."""
    found = plays(parsed, stream=SETTINGS.stream)
    assert found.columns == [field.name for field in FIELDS]
    return well_formed(parsed, stream=SETTINGS.stream).select("offset")


def test_each_faulty_record_is_rejected_for_its_own_reason(spark: SparkSession) -> None:
    assert reasons(spark, list(FAULTY.values())) == list(FAULTY)


@pytest.mark.parametrize(
    ("hours", "days", "reasons_by_age"),
    [
        (1, 30, {59: None, 61: DELAYED, 30 * 1440 - 1: DELAYED, 30 * 1440 + 1: "late"}),
        (1, 0, {59: None, 61: "late"}),
        (50, 1, {49 * 60: None, 51 * 60: "late"}),
    ],
)
def test_a_play_is_delayed_between_two_limits(
    spark: SparkSession, hours: int, days: int, reasons_by_age: dict[int, str | None]
) -> None:
    limits = {"allowed_lateness": timedelta(hours=hours), "max_delay": timedelta(days=days)}
    stream = SETTINGS.stream.model_copy(update=limits)
    values: list[bytes | None] = [encoded(occurred_at=NOW - 60_000 * age) for age in reasons_by_age]
    parsed = parse(records(spark, values))
    found = {row.offset: row.reason for row in set_aside(parsed, stream=stream).collect()}
    assert [found.get(offset) for offset in range(len(values))] == list(reasons_by_age.values())
    taken = {row.offset for row in well_formed(parsed, stream=stream).select("offset").collect()}
    assert taken == set(range(len(values))) - found.keys()


@pytest.mark.parametrize(
    ("arrived", "occurred", "reason"),
    [
        (timedelta(minutes=4), timedelta(0), None),
        (timedelta(minutes=6), timedelta(minutes=6), "future_arrival"),
        (timedelta(minutes=6), timedelta(0), "future_arrival"),
        (timedelta(days=365), timedelta(days=365), "future_arrival"),
        (timedelta(minutes=4), timedelta(minutes=8), "future"),
    ],
)
def test_no_play_is_dated_beyond_the_clock_of_the_stream(
    spark: SparkSession, arrived: timedelta, occurred: timedelta, reason: str | None
) -> None:
    now = datetime.now(UTC)
    play = encoded(occurred_at=int((now + occurred).timestamp() * 1000))
    assert reasons(spark, [play], arrived=now + arrived) == [reason]


def test_clocks_of_brokers_may_differ_a_little_whatever_producers_may(spark: SparkSession) -> None:
    strict = SETTINGS.stream.model_copy(update={"max_clock_skew": timedelta(0)})
    now = datetime.now(UTC)
    for ahead, reason in ((30, None), (90, "future_arrival")):
        arrived = now + timedelta(seconds=ahead)
        parsed = parse(records(spark, [encoded(occurred_at=int(now.timestamp() * 1000))], arrived=arrived))
        assert [row.reason for row in set_aside(parsed, stream=strict).collect()] == (
            [reason] if reason else []
        )
        assert well_formed(parsed, stream=strict).count() == (reason is None)


def test_a_record_that_is_no_object_is_malformed(spark: SparkSession) -> None:
    found = reasons(spark, list(MALFORMED.values()))
    assert dict(zip(MALFORMED, found, strict=True)) == dict.fromkeys(MALFORMED, "malformed")


@pytest.mark.parametrize("value", [b"{}", b" { \n}\t", b'{"event_id": null}'])
def test_an_object_without_fields_lacks_the_first_one(spark: SparkSession, value: bytes) -> None:
    assert reasons(spark, [value]) == ["missing_event_id"]


def test_a_rejected_record_keeps_its_bytes_and_its_place(spark: SparkSession) -> None:
    parsed = parse(records(spark, [encoded(occurred_at=NOW), b"\xffgarbage"]))
    row = set_aside(parsed, stream=SETTINGS.stream).collect()[0]
    assert (row.reason, bytes(row.value), row.topic, row.partition, row.offset) == (
        "not_utf8",
        b"\xffgarbage",
        "plays",
        0,
        1,
    )


def test_every_record_comes_out_on_exactly_one_side(spark: SparkSession) -> None:
    odd: dict[str, list[object]] = {
        "text": [
            "",
            "-",
            "+",
            "a\nb",
            "a\r",
            "\x00",
            "ü" * 128,
            "x" * 129,
            " ",
            7,
            1.5,
            True,
            None,
            ...,
            [],
            {},
        ],
        "whole": [0, -1, 2**53, 2**53 + 1, 2**63 - 1, 2**63, "7", "", 1.0, True, None, ..., []],
    }
    values = [encoded(**{"occurred_at": NOW, f.name: value}) for f in FIELDS for value in odd[f.kind]]
    values += [encoded(occurred_at=NOW + offset) for offset in (-HOUR, -HOUR - 1, 300_000, 300_001)]
    found = reasons(spark, [*values, *MALFORMED.values(), *FAULTY.values()])
    assert None in found
    assert {reason for reason in found if reason} <= {*REASONS, DELAYED}
    assert {reason for reason in found if reason} >= {f"invalid_{field.name}" for field in FIELDS}


def test_a_play_may_be_written_in_every_way_that_json_allows(spark: SparkSession) -> None:
    play = a_play(occurred_at=NOW, user_id="ädä", recommendation_id="r{}1")
    escaped = "".join(f"\\u{ord(letter):04x}" for letter in "event_id")
    ways = [
        json.dumps(play).encode(),
        json.dumps(play, indent=4, ensure_ascii=False).encode(),
        b"\r\n\t " + json.dumps(play).encode() + b" \n",
        json.dumps(play).replace('"event_id"', f'"{escaped}"').encode(),
        json.dumps(play).replace("home", "h\\u006fme").encode(),
        json.dumps(dict(reversed(play.items()))).encode(),
        json.dumps({"first": {"user_id": [7]}} | play).encode(),
        json.dumps(play | {"last": {"text": "}{", "empty": {}}}).encode(),
    ]
    assert reasons(spark, [*ways]) == [None] * len(ways)
    found = plays(parse(records(spark, [*ways])), stream=SETTINGS.stream).collect()
    assert [{k: v for k, v in row.asDict().items() if v is not None} for row in found] == [play] * len(ways)


def test_a_record_is_parsed_once(spark: SparkSession) -> None:
    """Spark's optimiser copies an expensive expression into each condition above it."""
    unknown = spark.range(10).selectExpr(
        "cast(concat('{', id, '}') as binary) value",
        "'plays' topic",
        "0 partition",
        "id offset",
        "timestamp_millis(id) timestamp",
    )
    for found in (plays, set_aside):
        plan = found(parse(unknown), stream=SETTINGS.stream)._jdf.queryExecution().optimizedPlan()
        assert plan.toString().count("from_json(") == 1


def test_a_play_keeps_every_field_and_may_bring_new_ones(spark: SparkSession) -> None:
    play = a_play(occurred_at=NOW, recommendation_id="r1", rank=3, model="v1", propensity=250_000)
    parsed = parse(records(spark, [json.dumps(play | {"mood": "calm"}).encode()]))
    assert plays(parsed, stream=SETTINGS.stream).collect()[0].asDict() == play


@pytest.mark.parametrize("name", [n for n in FAULTY if n.startswith(("missing", "invalid"))])
def test_producer_and_stream_give_the_same_verdict(name: str) -> None:
    assert fault(json.loads(FAULTY[name] or b"{}")) == name


def test_the_producer_refuses_a_number_that_json_cannot_hold_as_a_whole_number() -> None:
    assert fault(a_play(ms_played=True)) == "invalid_ms_played"
    assert fault(a_play(ms_played="long")) == "invalid_ms_played"
    assert fault(a_play(user_id=7)) == "invalid_user_id"
    assert fault(a_play()) is None


def test_arrival_decides_lateness_and_not_the_clock(spark: SparkSession) -> None:
    edge = timedelta(hours=1)
    on_time = encoded(occurred_at=NOW - int(edge.total_seconds() * 1000))
    assert reasons(spark, [on_time]) == [None]
