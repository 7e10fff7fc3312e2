"""A checkpoint that cannot be continued is recognised before the stream starts."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta

import pytest
from pyspark.sql import SparkSession

from segue.errors import SegueError
from segue.plays.event import EVENT_WINDOW
from segue.settings import Settings
from segue.streaming_jobs import checkpoint
from segue.streaming_jobs.checkpoint_folder import Folder


def changed(settings: Settings, section: str, **values: object) -> Settings:
    return settings.model_copy(update={section: getattr(settings, section).model_copy(update=values)})


def test_the_same_settings_go_on(spark: SparkSession, settings: Settings) -> None:
    checkpoint.check(spark, settings)
    checkpoint.check(spark, settings)
    checkpoint.check(
        spark, changed(settings, "stream", watermark=timedelta(hours=5), max_offsets_per_trigger=7)
    )


@pytest.mark.parametrize(
    ("section", "values", "says"),
    [
        ("stream", {"window": timedelta(minutes=5)}, "stream.window = 1800 seconds, now it is 300 seconds"),
        ("kafka", {"plays_topic": "other"}, "kafka.plays_topic = plays, now it is other"),
    ],
)
def test_another_window_or_topic_is_named_with_the_remedy(
    spark: SparkSession, settings: Settings, section: str, values: dict[str, object], says: str
) -> None:
    checkpoint.check(spark, settings)
    with pytest.raises(SegueError) as caught:
        checkpoint.check(spark, changed(settings, section, **values))
    assert says in str(caught.value)
    assert "SEGUE_SPARK__CHECKPOINT_LOCATION" in str(caught.value)


def note(spark: SparkSession, settings: Settings, entries: dict[str, str]) -> None:
    """Leave a note in a checkpoint, as a release before has left it."""
    lines = spark.createDataFrame([(json.dumps(entries),)], "value string")
    lines.coalesce(1).write.text(f"{settings.spark.checkpoint_location}/made_with")


RELEASE_0_1 = {
    "state format": "2",
    "stream.window": "1800 seconds",
    "engagement.window": "900 seconds",
    "kafka.plays_topic": "plays",
}


def test_a_note_of_the_release_before_goes_on_and_is_completed(
    spark: SparkSession, settings: Settings
) -> None:
    note(spark, settings, RELEASE_0_1)
    checkpoint.check(spark, settings)
    assert checkpoint._read(spark, f"{settings.spark.checkpoint_location}/made_with") == checkpoint.contract(
        settings
    )


def test_an_entry_that_the_previous_release_lacked_has_that_releases_value(
    spark: SparkSession, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    note(spark, settings, RELEASE_0_1)
    monkeypatch.setattr(checkpoint, "EVENT_WINDOW", replace(EVENT_WINDOW, state_format=2))
    with pytest.raises(SegueError, match="engagement state format = 1, now it is 2"):
        checkpoint.check(spark, settings)


def test_a_note_from_before_the_statistics_goes_on(spark: SparkSession, settings: Settings) -> None:
    note(spark, settings, {name: value for name, value in RELEASE_0_1.items() if "engagement" not in name})
    checkpoint.check(spark, settings)


@pytest.mark.parametrize("name", ["state format", "stream.window", "kafka.plays_topic"])
def test_a_note_without_an_entry_that_every_release_wrote_is_refused(
    spark: SparkSession, settings: Settings, name: str
) -> None:
    note(spark, settings, {other: value for other, value in RELEASE_0_1.items() if other != name})
    with pytest.raises(SegueError, match=f"a note without {name}"):
        checkpoint.check(spark, settings)


def test_the_settings_of_a_checkpoint_are_compared_without_spark(
    spark: SparkSession, settings: Settings
) -> None:
    folder = Folder(settings.spark.checkpoint_location)
    assert checkpoint.differences(folder, settings) == []
    checkpoint.check(spark, settings)
    assert checkpoint.differences(folder, settings) == []
    assert checkpoint.differences(folder, changed(settings, "kafka", plays_topic="other")) == [
        "kafka.plays_topic = plays, now it is other"
    ]
