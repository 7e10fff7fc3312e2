"""Kafka records to plays, or to rejected records with a reason: Spark transforms.

``KafkaRecord -> ParsedRecord -> Play | RejectedRecord``. Every record comes out on exactly one side.
"""

from __future__ import annotations

from functools import reduce

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.sql import types as T

from segue.plays.event import FIELDS, Field
from segue.plays.signals import CONSTANT, GRADED
from segue.settings import Signals, Stream

_SPARK_TYPES = {"text": T.StringType(), "whole": T.LongType()}
_CORRUPT = "_corrupt"

PLAY_SCHEMA = T.StructType([T.StructField(f.name, _SPARK_TYPES[f.kind]) for f in FIELDS])
"""A play as Spark reads it from JSON."""

RECORD_COLUMNS = ("value", "topic", "partition", "offset", "timestamp")
"""What parsing needs of a Kafka record; `timestamp` is when it reached Kafka."""


def parse(records: DataFrame, *, stream: Stream) -> DataFrame:
    """KafkaRecord -> ParsedRecord: the record's columns, `play` (struct) and `reason` (null for a play)."""
    schema = T.StructType([*PLAY_SCHEMA.fields, T.StructField(_CORRUPT, T.StringType())])
    decoded = F.from_json(
        F.col("value").cast("string"),
        schema,
        {"mode": "PERMISSIVE", "columnNameOfCorruptRecord": _CORRUPT, "allowSingleQuotes": "false"},
    )
    return records.select(*RECORD_COLUMNS, decoded.alias("play")).select(
        *RECORD_COLUMNS, "play", _reason(stream).alias("reason")
    )


def without_tombstones(records: DataFrame) -> DataFrame:
    """KafkaRecord -> KafkaRecord: without those that only say that a listener has left (a key, no value)."""
    return records.where(~(F.col("key").isNotNull() & F.col("value").isNull()))


def plays(parsed: DataFrame) -> DataFrame:
    """ParsedRecord -> Play: the well-formed ones, a column a field."""
    return parsed.where(F.col("reason").isNull()).select(*(f"play.{field.name}" for field in FIELDS))


def rejected(parsed: DataFrame) -> DataFrame:
    """ParsedRecord -> RejectedRecord: `reason` and the record as it came."""
    return parsed.where(F.col("reason").isNotNull()).select("reason", *RECORD_COLUMNS)


def signal_weight(signals: Signals) -> Column:
    """The weight of a play as :func:`segue.plays.signals.signal_weight` defines it; null if not a signal."""
    share = F.least(F.col("ms_played") / F.greatest(F.col("duration_ms"), F.lit(1)), F.lit(1.0))
    weight = F.lit(None).cast("double")
    for kind in CONSTANT:
        weight = F.when(F.col("type") == kind, F.lit(float(getattr(signals, kind)))).otherwise(weight)
    for kind in GRADED:
        early, late = getattr(signals, f"{kind}_early"), getattr(signals, f"{kind}_late")
        weight = F.when(F.col("type") == kind, F.lit(early) + F.lit(late - early) * share).otherwise(weight)
    return weight


def _reason(stream: Stream) -> Column:
    """The first rule that a record breaks, or null. Order matters: the cheap and the general come first."""
    arrived = F.unix_millis("timestamp")
    occurred = F.col("play.occurred_at")
    rules: list[tuple[Column, str]] = [
        (F.col("value").isNull(), "empty"),
        (F.octet_length("value") > stream.max_play_bytes, "too_large"),
        (~F.is_valid_utf8(F.col("value").cast("string")), "not_utf8"),
        (F.col("play").isNull() | F.col(f"play.{_CORRUPT}").isNotNull(), "malformed"),
        # Spark's parser ends with the object; what follows it must not slip through.
        (~F.col("value").cast("string").rlike(r"\}\s*\z"), "malformed"),
        *(rule for field in FIELDS for rule in _field_rules(field)),
        (occurred - arrived > _milliseconds(stream.future), "future"),
        (arrived - occurred > _milliseconds(stream.lateness), "late"),
    ]
    last_to_first = reversed(rules)
    return reduce(
        lambda rest, rule: F.when(rule[0], F.lit(rule[1])).otherwise(rest),
        last_to_first,
        F.lit(None).cast("string"),
    )


def _field_rules(field: Field) -> list[tuple[Column, str]]:
    value = F.col(f"play.{field.name}")
    if field.kind == "whole":
        fits = value.between(field.minimum, field.maximum)
    elif field.choices:
        fits = value.isin(*field.choices)
    else:
        fits = value.rlike(rf"\A(?:{field.pattern})\z")
    missing = [(value.isNull(), f"missing_{field.name}")] if field.required else []
    return [*missing, (value.isNotNull() & ~fits, f"invalid_{field.name}")]


def _milliseconds(duration: object) -> int:
    return int(duration.total_seconds() * 1000)  # type: ignore[attr-defined]
