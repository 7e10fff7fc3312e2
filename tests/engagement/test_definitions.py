"""The definitions: their fingerprint, and that numpy and SQL read them as they are meant."""

from __future__ import annotations

from datetime import timedelta
from itertools import product

import numpy as np
import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from segue.engagement import definitions
from segue.engagement.definitions import (
    ACTED,
    COUNTS,
    LONGEST_MS,
    Count,
    Thresholds,
    counts_by,
    fingerprint,
)
from segue.engagement.rules import EventField
from segue.plays.event_types import ACTIONS, COUNTED, TYPES
from segue.settings import load_settings
from tests.engagement.plain_reading import counts_of

QUARTER = timedelta(minutes=15)
PLAYED = (0, 1000, 26_999, 27_000, 29_999, 30_000, 54_000, 60_000, LONGEST_MS + 1, 2**53)
EVENTS = list(product(TYPES, PLAYED, (0, 30_000, 40_000, 60_000, 200_000)))


def test_facts_that_were_stored_before_stay_valid() -> None:
    assert fingerprint(QUARTER) == "56e82293"
    assert fingerprint(timedelta(minutes=30)) == "ae156658"


def test_another_count_rule_or_type_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = {fingerprint(QUARTER)}
    kind = EventField("type")
    for changed in (
        {"COUNTS": COUNTS | {"seeks": Count("seeks", kind.is_in("seek"))}},
        {"COUNTS": COUNTS | {"skips": Count("skips", kind.is_in("skip"))}},
        {"COUNTS": {name: count for name, count in COUNTS.items() if name != "likes"}},
        {"COUNTED": (*COUNTED, "seek")},
        {"ACTED": kind.is_in("play")},
    ):
        with monkeypatch.context() as other:
            for name, value in changed.items():
                other.setattr(definitions, name, value)
            seen.add(fingerprint(QUARTER))
    seen.add(fingerprint(QUARTER, Thresholds(early_skip_ms=20_000)))
    assert len(seen) == 7


def test_other_bounds_are_other_definitions() -> None:
    known = [Thresholds(), Thresholds(early_skip_ms=20_000), Thresholds(complete_share=0.8)]
    assert len({fingerprint(QUARTER, bounds) for bounds in known}) == 3
    assert fingerprint(QUARTER, Thresholds.of(load_settings().engagement)) == fingerprint(QUARTER)


@pytest.mark.parametrize("bounds", [Thresholds(early_skip_ms=1000), Thresholds(complete_share=0.5)])
def test_the_bounds_decide_which_events_are_counted(bounds: Thresholds) -> None:
    columns = {
        "type": np.array(["skip", "skip", "leave"], dtype=object),
        "ms_played": np.array([2000, 500, 60_000]),
        "duration_ms": np.array([100_000, 100_000, 100_000]),
    }
    counts = counts_by(bounds)
    found = {
        name: counts[name].rule.on(columns).astype(int).tolist() for name in ("early_skips", "completions")
    }
    early = [0, 1, 0] if bounds.early_skip_ms == 1000 else [1, 1, 0]
    assert found == {"early_skips": early, "completions": [0, 0, int(bounds.complete_share == 0.5)]}


def test_numpy_reads_the_rules_as_they_are_meant() -> None:
    columns = {
        "type": np.array([kind for kind, _, _ in EVENTS], dtype=object),
        "ms_played": np.array([played for _, played, _ in EVENTS]),
        "duration_ms": np.array([duration for _, _, duration in EVENTS]),
    }
    found = {name: count.rule.on(columns).astype(int).tolist() for name, count in COUNTS.items()}
    assert [{name: values[i] for name, values in found.items()} for i in range(len(EVENTS))] == [
        counts_of(*event) for event in EVENTS
    ]
    assert ACTED.on(columns).tolist() == [kind in ACTIONS for kind, _, _ in EVENTS]


def test_spark_reads_the_rules_as_they_are_meant(spark: SparkSession) -> None:
    events = spark.createDataFrame(EVENTS, "type string, ms_played long, duration_ms long").coalesce(1)
    rows = events.select(
        *(F.expr(str(count.rule)).cast("long").alias(name) for name, count in COUNTS.items()),
        F.expr(str(ACTED)).alias("acted"),
    ).collect()
    assert [row.asDict() for row in rows] == [
        {**counts_of(*event), "acted": event[0] in ACTIONS} for event in EVENTS
    ]
