"""A checkpoint that cannot be continued is recognised before the stream starts."""

from __future__ import annotations

from datetime import timedelta

import pytest
from pyspark.sql import SparkSession

from segue.errors import SegueError
from segue.settings import Settings
from segue.streaming_jobs import checkpoint


def changed(settings: Settings, section: str, **values: object) -> Settings:
    return settings.model_copy(update={section: getattr(settings, section).model_copy(update=values)})


def test_the_same_settings_go_on(spark: SparkSession, settings: Settings) -> None:
    checkpoint.check(spark, settings)
    checkpoint.check(spark, settings)
    checkpoint.check(
        spark, changed(settings, "stream", watermark=timedelta(hours=5), max_events_per_trigger=7)
    )


@pytest.mark.parametrize(
    ("section", "values", "says"),
    [
        ("stream", {"window": timedelta(minutes=5)}, "stream.window = 1800 seconds, now it is 300 seconds"),
        ("kafka", {"plays_topic": "other"}, "kafka.plays_topic = plays, now it is other"),
    ],
)
def test_another_window_or_topic_is_named_with_what_to_do(
    spark: SparkSession, settings: Settings, section: str, values: dict[str, object], says: str
) -> None:
    checkpoint.check(spark, settings)
    with pytest.raises(SegueError) as caught:
        checkpoint.check(spark, changed(settings, section, **values))
    assert says in str(caught.value)
    assert "SEGUE_SPARK__CHECKPOINT" in str(caught.value)
