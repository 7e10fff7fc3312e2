"""A field of a play that is added to running streams: their checkpoints go on; older plays do not have it.

release 1   plays as they are             state: [ a  b ]
release 2   plays may have a `device`     state: [ a  b  c(phone)  d ]      the same window
release 1   goes back to how it was       state: [ a  b  c  d  e ]
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pytest
from pyspark.sql import DataFrame, Row, SparkSession
from pyspark.sql import types as T

from segue.plays import added_fields
from segue.plays.added_fields import unfolded
from segue.plays.event import EVENT_WINDOW, SIGNAL_WINDOW, WindowFields
from segue.settings import load_settings
from segue.spark import play_windows
from segue.spark.plays import PLAY_SCHEMA
from tests.plays.examples import a_play

SETTINGS = load_settings()
WITH_DEVICE = T.StructType([*PLAY_SCHEMA.fields, T.StructField("device", T.StringType())])
NOW = time.time_ns() // 1_000_000


def signals(plays: DataFrame) -> DataFrame:
    return play_windows.signals_by_window(plays, stream=SETTINGS.stream)


def events(plays: DataFrame) -> DataFrame:
    return play_windows.events_by_window(plays, stream=SETTINGS.stream, engagement=SETTINGS.engagement)


@pytest.mark.parametrize(("kind", "transform"), [(SIGNAL_WINDOW, signals), (EVENT_WINDOW, events)])
def test_a_checkpoint_goes_on_with_a_field_that_was_added_and_without_it_again(
    spark: SparkSession,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    kind: WindowFields,
    transform: Callable[[DataFrame], DataFrame],
) -> None:
    source = tmp_path / "plays"
    source.mkdir()

    def run(schema: T.StructType, *plays: dict[str, Any]) -> list[Row]:
        """The plays of the window after a run of the query from its checkpoint, by track."""
        lines = [json.dumps(a_play(occurred_at=NOW, **play)) for play in plays]
        (source / f"{time.time_ns()}.json").write_text("\n".join(lines))
        taken: list[pa.Table] = []
        stream = transform(spark.readStream.schema(schema).json(str(source))).writeStream
        query = (
            stream.foreachBatch(lambda rows, _: taken.append(rows.toArrow()))
            .outputMode("update")
            .option("checkpointLocation", str(tmp_path / "checkpoint"))
            .trigger(availableNow=True)
            .start()
        )
        query.awaitTermination()
        chunks = [window for table in taken if table.num_rows for window in table.column(kind.name).chunks]
        held = [Row(**play) for play in unfolded(pc.list_flatten(chunks[-1][-1:])).to_pylist()]
        return sorted(held, key=lambda play: str(play.track_id))

    assert [play.asDict().keys() for play in run(PLAY_SCHEMA, {"track_id": "a"}, {"track_id": "b"})] == [
        dict.fromkeys(kind.fields).keys()
    ] * 2
    with monkeypatch.context() as newer:
        newer.setattr(play_windows, "KEPT", ("device",))
        newer.setattr(added_fields, "KEPT", ("device",))
        held = run(WITH_DEVICE, {"track_id": "c", "device": 'a "phone"'}, {"track_id": "d", "type": "skip"})
    assert [(play.track_id, play.type, play.device) for play in held] == [
        ("a", "complete", None),
        ("b", "complete", None),
        ("c", "complete", 'a "phone"'),
        ("d", "skip", None),
    ]
    held = run(PLAY_SCHEMA, {"track_id": "e"})
    assert [(play.track_id, play.type) for play in held] == [
        ("a", "complete"),
        ("b", "complete"),
        ("c", "complete"),
        ("d", "skip"),
        ("e", "complete"),
    ]


def test_the_state_has_the_format_of_its_version() -> None:
    """A change of these makes older checkpoints unreadable: raise the format too, or keep the field."""
    assert (SIGNAL_WINDOW.state_format, *SIGNAL_WINDOW.state) == (
        2, "occurred_at", "event_id", "track_id", "type", "ms_played", "duration_ms",
    )  # fmt: skip
    assert (EVENT_WINDOW.state_format, *EVENT_WINDOW.state) == (
        1, "occurred_at", "event_id", "track_id", "type", "ms_played", "duration_ms",
        "source", "rank", "model",
    )  # fmt: skip
