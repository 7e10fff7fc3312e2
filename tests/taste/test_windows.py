"""Plays to signal windows, on tiny rows.

occurred  11:50      12:10  12:10 (again)   12:20
ada       [ t1 ]     [ t2     t2             t1 ]      two windows of 30 minutes
ben                  [ t1 ]
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from pyspark.sql import DataFrame, SparkSession

from segue.settings import load_settings
from segue.spark.play_windows import signals_by_window
from segue.spark.plays import PLAY_SCHEMA
from tests.plays.examples import a_play

SETTINGS = load_settings()


def at(hour: int, minute: int) -> int:
    return int(datetime(2026, 3, 1, hour, minute, tzinfo=UTC).timestamp() * 1000)


def windows(spark: SparkSession, plays: list[dict[str, Any]]) -> dict[tuple[str, int], set[tuple[str, str]]]:
    rows = [tuple(play.get(field.name) for field in PLAY_SCHEMA) for play in plays]
    table: DataFrame = spark.createDataFrame(rows, PLAY_SCHEMA)
    found = signals_by_window(table, stream=SETTINGS.stream).collect()
    return {(r.user_id, r.window_start): {(s.track_id, s.type) for s in r.signals} for r in found}


def test_each_listener_and_half_hour_has_a_window(spark: SparkSession) -> None:
    twice = a_play(user_id="ada", track_id="t2", occurred_at=at(12, 10))
    found = windows(
        spark,
        [
            a_play(user_id="ada", track_id="t1", occurred_at=at(11, 50)),
            twice,
            twice,
            a_play(user_id="ada", track_id="t1", type="skip", occurred_at=at(12, 20)),
            a_play(user_id="ben", track_id="t1", occurred_at=at(12, 10)),
        ],
    )
    assert found == {
        ("ada", at(11, 30)): {("t1", "complete")},
        ("ada", at(12, 0)): {("t2", "complete"), ("t1", "skip")},
        ("ben", at(12, 0)): {("t1", "complete")},
    }


def test_of_a_flood_the_newest_signals_are_kept(spark: SparkSession) -> None:
    flood = [a_play(user_id="ada", track_id=f"t{n}", occurred_at=at(12, n)) for n in (5, 1, 9, 3, 7)]
    other = [a_play(user_id="ben", track_id="t1", occurred_at=at(12, 1))]
    rows = [tuple(play.get(field.name) for field in PLAY_SCHEMA) for play in flood + other]
    few = SETTINGS.stream.model_copy(update={"max_signals_per_window": 3})
    found = signals_by_window(spark.createDataFrame(rows, PLAY_SCHEMA), stream=few).collect()
    assert {r.user_id: sorted(s.track_id for s in r.signals) for r in found} == {
        "ada": ["t5", "t7", "t9"],
        "ben": ["t1"],
    }


def test_events_that_are_no_signals_make_no_window(spark: SparkSession) -> None:
    assert windows(spark, [a_play(type=kind) for kind in ("pause", "seek", "impression")]) == {}
