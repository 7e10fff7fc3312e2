"""Spark's transforms take and give the records as their schemas say."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import types as T
from pyspark.sql.pandas.types import to_arrow_schema

from segue.engagement.facts import facts_of
from segue.plays.event import EVENT_WINDOW, FIELDS, SIGNAL_WINDOW, WindowFields
from segue.replanning.weighing import windows_of
from segue.settings import load_settings
from segue.spark.play_windows import events_by_window, signals_by_window
from segue.spark.plays import RECORD_COLUMNS, parse, plays
from segue.spark.steps import Step, steps
from segue.spark.transition_rules import Rule, transition_rules
from tests.contracts.schema import spark_schema

SETTINGS = load_settings()
KINDS = {"text": T.StringType(), "whole": T.LongType()}
OF_PLAY = {field.name: T.StructField(field.name, KINDS[field.kind]) for field in FIELDS}
PLAY = T.StructType(list(OF_PLAY.values()))


def window_schema(window: WindowFields) -> T.StructType:
    """A window of a query."""
    play = T.StructType([OF_PLAY[name] for name in window.state])
    return T.StructType(
        [
            T.StructField("user_id", T.StringType()),
            T.StructField("window_start", T.LongType()),
            T.StructField(window.name, T.ArrayType(play)),
        ]
    )


def test_parsing_gives_plays(spark: SparkSession) -> None:
    kinds = ("binary", "string", "int", "long", "timestamp")
    names = zip(RECORD_COLUMNS, kinds, strict=True)
    records = spark.createDataFrame([], ", ".join(f"{name} {kind}" for name, kind in names))
    assert_same(plays(parse(records), stream=SETTINGS.stream), PLAY)


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
    windows = transform(spark.createDataFrame([], PLAY))
    assert_same(windows, window_schema(window))
    # An expression over the elements of a list would run for every play of every changed window.
    plan = windows._jdf.queryExecution().optimizedPlan().toString()
    assert "lambda" not in plan


def test_windows_are_taken_by_taste_and_statistics() -> None:
    signals = to_arrow_schema(window_schema(SIGNAL_WINDOW)).empty_table()
    assert list(windows_of(signals, signals=SETTINGS.signals)) == []
    events = to_arrow_schema(window_schema(EVENT_WINDOW)).empty_table()
    assert facts_of(events, described=lambda ids: {}) == []


def test_plays_become_steps_and_steps_rules(spark: SparkSession) -> None:
    taken = steps(
        spark.createDataFrame([], PLAY), signals=SETTINGS.signals, gap=timedelta(minutes=30), most=10
    )
    assert_same(taken, spark_schema(Step))
    assert_same(
        transition_rules(spark.createDataFrame([], spark_schema(Step)), rules=SETTINGS.models.rules),
        spark_schema(Rule),
    )


def assert_same(found: DataFrame, schema: T.StructType) -> None:
    """Names, order and types; whether a column may be null is Spark's own affair."""
    assert found.schema.simpleString() == schema.simpleString()
