"""Spark's transforms take and give the records as their schemas say."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import TypedDict

import pyarrow as pa
import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import types as T

from segue.engagement.facts import facts_of
from segue.plays.event import FIELDS
from segue.plays.windows import EVENT_WINDOW, SIGNAL_WINDOW, WindowFields
from segue.settings import load_settings
from segue.spark.parsing import RECORD_COLUMNS, parse, plays
from segue.spark.steps import Step, steps
from segue.spark.transition_rules import Rule, transition_rules
from segue.spark.windows import events_by_window, signals_by_window
from segue.taste.history import windows_of
from tests.contracts.schema import arrow_schema, spark_schema

SETTINGS = load_settings()
KINDS = {"text": str, "whole": int}
Play = TypedDict("Play", {field.name: KINDS[field.kind] for field in FIELDS})  # type: ignore[misc]


def window_record(window: WindowFields) -> type:
    """A window of a query as a record."""
    kinds = {field.name: KINDS[field.kind] for field in FIELDS}
    play = TypedDict("play", {name: kinds[name] for name in window.fields})  # type: ignore[misc]
    fields = {"user_id": str, "window_start": int, window.name: list[play]}  # type: ignore[valid-type]
    return TypedDict("window", fields)  # type: ignore[misc,return-value]


def of_type(spark: SparkSession, record: type) -> DataFrame:
    """No rows of a record."""
    return spark.createDataFrame([], spark_schema(record))


def test_parsing_gives_plays(spark: SparkSession) -> None:
    kinds = ("binary", "string", "int", "long", "timestamp")
    names = zip(RECORD_COLUMNS, kinds, strict=True)
    records = spark.createDataFrame([], ", ".join(f"{name} {kind}" for name, kind in names))
    assert_same(plays(parse(records), stream=SETTINGS.stream), spark_schema(Play))


@pytest.mark.parametrize(
    ("window", "transform"),
    [
        (SIGNAL_WINDOW, lambda taken: signals_by_window(taken, stream=SETTINGS.stream)),
        (
            EVENT_WINDOW,
            lambda taken: events_by_window(taken, stream=SETTINGS.stream, engagement=SETTINGS.engagement),
        ),
    ],
)
def test_plays_become_windows(
    spark: SparkSession, window: WindowFields, transform: Callable[[DataFrame], DataFrame]
) -> None:
    assert_same(transform(of_type(spark, Play)), spark_schema(window_record(window)))


def test_windows_are_taken_by_taste_and_statistics() -> None:
    signals = arrow_schema(window_record(SIGNAL_WINDOW)).empty_table()
    assert list(windows_of(signals, signals=SETTINGS.signals)) == []
    events = arrow_schema(window_record(EVENT_WINDOW)).empty_table()
    assert facts_of(events, described=lambda ids: {}) == []


def test_plays_become_steps_and_steps_rules(spark: SparkSession) -> None:
    taken = steps(of_type(spark, Play), signals=SETTINGS.signals, gap=timedelta(minutes=30), most=10)
    assert_same(taken, spark_schema(Step))
    assert_same(transition_rules(of_type(spark, Step), models=SETTINGS.models), spark_schema(Rule))


def assert_same(found: DataFrame, schema: T.StructType) -> None:
    """Names, order and types; whether a column may be null is Spark's own affair."""
    assert found.schema.simpleString() == schema.simpleString()


def test_arrow_has_the_same_types() -> None:
    assert arrow_schema(Step).types == [pa.string(), pa.int64(), pa.string(), pa.int64(), pa.float64()]
