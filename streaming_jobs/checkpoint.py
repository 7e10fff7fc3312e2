"""The note of a checkpoint's settings, by which a start with incompatible settings is refused.

Without it, Spark would fail during a batch, or continue and mix windows of two lengths. Kept fields of a play
are not in the note: they can be added to a running checkpoint (:mod:`segue.plays.event`).
"""

from __future__ import annotations

import json

from pydantic import TypeAdapter, ValidationError
from pyspark.sql import SparkSession

from segue.errors import SegueError
from segue.plays.event import EVENT_WINDOW, SIGNAL_WINDOW
from segue.settings import Settings
from segue.streaming_jobs.checkpoint_folder import ASIDE, Files

FOLDER = "made_with"
_ENTRIES = TypeAdapter(dict[str, str])
_MISSING: dict[str, str | None] = {
    "state format": None,
    "engagement state format": "1",
    "stream.window": None,
    "engagement.window": "",
    "kafka.plays_topic": None,
}
"""The value of an entry that a note lacks: that of the releases which did not write the entry. Empty: those
releases had no such state, so that any value is valid. None: every release has written the entry."""


def contract(settings: Settings) -> dict[str, str]:
    """The values on which the state and the offsets in a checkpoint depend, by name.

    The watermark, the weights of signals, batch sizes and similar settings may change between two starts.
    """
    return {
        # The state of recommend, which was the only query with a state when the entry was named.
        "state format": str(SIGNAL_WINDOW.state_format),
        "engagement state format": str(EVENT_WINDOW.state_format),
        "stream.window": f"{settings.stream.window.total_seconds():g} seconds",
        "engagement.window": f"{settings.engagement.window.total_seconds():g} seconds",
        "kafka.plays_topic": settings.kafka.plays_topic,
    }


def check(spark: SparkSession, settings: Settings) -> None:
    """Compare the checkpoint with the settings; write the note of a new checkpoint.

    Raises
    ------
    SegueError
        The checkpoint was made with another window, topic or state format; the message names it and the two
        ways out: restore the setting, or use a new checkpoint.
    """
    location = settings.spark.checkpoint_location
    now, before = contract(settings), _read(spark, f"{location}/{FOLDER}")
    if before is not None and (changes := _differences(before, now)):
        raise SegueError(
            f"the checkpoint {location} was made with {changes[0]}: put it back, or set "
            "SEGUE_SPARK__CHECKPOINT_LOCATION to a new folder "
            "(plays still in the topic are read again; tastes and recommendations stay)"
        )
    if before is None or before.keys() != now.keys():
        note = spark.createDataFrame([(json.dumps(now),)], "value string")
        note.coalesce(1).write.mode("overwrite").text(f"{location}/{FOLDER}")


def differences(checkpoint: Files, settings: Settings) -> list[str]:
    """The settings that a checkpoint was made with and that differ now; none for a new checkpoint.

    Raises
    ------
    SegueError
        The note is damaged.
    """
    for name in checkpoint.names(FOLDER):
        if name.startswith("part-") and (content := checkpoint.read(f"{FOLDER}/{name}")):
            return _differences(_parsed(content, f"{checkpoint.path}/{FOLDER}"), contract(settings))
    return []


def _differences(before: dict[str, str], now: dict[str, str]) -> list[str]:
    changes = []
    for name, value in now.items():
        entry = before.get(name, _MISSING[name])
        if entry not in (value, ""):
            made = f"a note without {name}" if entry is None else f"{name} = {entry}"
            changes.append(f"{made}, now it is {value}")
    return changes


def _read(spark: SparkSession, place: str) -> dict[str, str] | None:
    """The note of a checkpoint; None for a new one.

    A crash can leave a note without a line; no query had started then.
    """
    # Spark logs a warning with a stack trace when it reads a folder that does not exist.
    if not _exists(spark, place):
        return None
    lines = spark.read.text(place).collect()
    return _parsed(lines[0].value, place) if lines else None


def _exists(spark: SparkSession, place: str) -> bool:
    jvm = spark._jvm
    assert jvm is not None
    path = jvm.org.apache.hadoop.fs.Path(place)
    return bool(path.getFileSystem(spark._jsparkSession.sessionState().newHadoopConf()).exists(path))


def _parsed(text: str | bytes, place: str) -> dict[str, str]:
    try:
        return _ENTRIES.validate_json(text, strict=True)
    except ValidationError:
        raise SegueError(
            f"{place} is damaged, so the settings that the checkpoint was made with are unknown: "
            "run `./run.sh stream repair`"
        ) from None


def damaged_note(checkpoint: Files) -> str | None:
    """The path of the note if it cannot be read; None for a readable note, and for a new checkpoint."""
    for name in checkpoint.names(FOLDER):
        if name.startswith("part-"):
            content = checkpoint.read(f"{FOLDER}/{name}")
            try:
                if content:
                    _ENTRIES.validate_json(content, strict=True)
            except ValidationError:
                return f"{FOLDER}/{name}"
    return None


def write_note(checkpoint: Files, path: str, settings: Settings) -> None:
    """Replace a damaged note with one for the present settings."""
    checkpoint.move(path, into=ASIDE)
    checkpoint.write(path, json.dumps(contract(settings)).encode() + b"\n")
