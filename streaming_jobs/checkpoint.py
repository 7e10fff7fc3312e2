"""What a checkpoint was made with, so that one that cannot be continued is recognised before a query starts.

Spark itself would fail in the middle of a batch, or worse, go on and mix windows of two lengths.
"""

from __future__ import annotations

import json

from pyspark.errors import AnalysisException
from pyspark.sql import SparkSession

from segue.errors import SegueError
from segue.settings import Settings

STATE_FORMAT = 2
"""Raise it when the plan of `recommend` changes so that older state cannot be read."""
_FOLDER = "made_with"


def contract(settings: Settings) -> dict[str, str]:
    """The settings that the state and the offsets in a checkpoint depend on, by name.

    The watermark, the weights of signals, batch sizes and the like may change between two starts.
    """
    return {
        "state format": str(STATE_FORMAT),
        "stream.window": f"{settings.stream.window.total_seconds():g} seconds",
        "engagement.window": f"{settings.engagement.window.total_seconds():g} seconds",
        "kafka.plays_topic": settings.kafka.plays_topic,
    }


def check(spark: SparkSession, settings: Settings) -> None:
    """Compare the checkpoint with the settings; leave a note in a new one.

    Raises
    ------
    SegueError
        The checkpoint was made with another window, topic or state format; the text says which, and that it
        can be put back or left behind.
    """
    place = f"{settings.spark.checkpoint}/{_FOLDER}"
    now, before = contract(settings), _read(spark, place) or {}
    for name, value in now.items():
        if before.get(name, value) != value:
            raise SegueError(
                f"the checkpoint {settings.spark.checkpoint} was made with {name} = {before.get(name)}, "
                f"now it is {value}: put it back, or set SEGUE_SPARK__CHECKPOINT to a new folder "
                "(plays still in the topic are read again; tastes and recommendations stay)"
            )
    if before.keys() != now.keys():
        note = spark.createDataFrame([(json.dumps(now),)], "value string")
        note.coalesce(1).write.mode("overwrite").text(place)


def _read(spark: SparkSession, place: str) -> dict[str, str] | None:
    try:
        lines = spark.read.text(place).collect()
    except AnalysisException as error:
        if error.getCondition() == "PATH_NOT_FOUND":
            return None
        raise
    return dict(json.loads(lines[0].value)) if lines else None
