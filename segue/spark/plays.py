"""Kafka records to plays, and to the records that are set aside: Spark transforms.

``KafkaRecord -> ParsedRecord -> Play | SetAsideRecord``. Every record appears on exactly one side. The two
sides state the same rules in two ways. The records set aside have the first rule that they break, or are
plays that arrived after `stream.allowed_lateness`. The side of the plays, which Spark plans for every
micro-batch, only checks that all rules hold, in as few expressions as possible: one regular expression over
all text fields, one comparison for all numbers with the same bounds. A property test checks that the sides
agree.
"""

from __future__ import annotations

import re
from collections import defaultdict
from datetime import timedelta
from functools import reduce

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.sql import types as T

from segue.plays.event import FIELDS, Field
from segue.settings import StreamSettings

_SPARK_TYPES = {"text": T.StringType(), "whole": T.LongType()}
_CORRUPT = "_corrupt"
_WHOLE = "_whole"
_TEXT = "_text"
_BEGINS = r"\A[ \t\r\n]*\{"
_NO_FIELDS = r"\A[ \t\r\n]*\{[ \t\r\n]*\z"
_SPACE = " \t\r\n"
_CLOCKS_DIFFER = timedelta(minutes=1)
"""The brokers' clocks may be ahead by this much, even if `stream.max_clock_skew` is shorter."""

PLAY_SCHEMA = T.StructType([T.StructField(f.name, _SPARK_TYPES[f.kind]) for f in FIELDS])
"""A play as Spark reads it from JSON."""

RECORD_COLUMNS = ("value", "topic", "partition", "offset", "timestamp")
"""The columns of a Kafka record that parsing needs; `timestamp` is the time when it reached Kafka."""


def parse(records: DataFrame) -> DataFrame:
    """KafkaRecord -> ParsedRecord: the record's columns and `play` (struct); unreadable fields are null.

    `play` is null for a record that cannot be an object: an error of the JSON parser costs much time.

    Spark's parser stops at the end of the first object, and would pass over all that follows it: the second
    play of a record with two. So the last brace of the text is preceded by a field, which a play whose own
    brace is another one lacks.
    """
    added = [T.StructField(_WHOLE, T.BooleanType()), T.StructField(_CORRUPT, T.StringType())]
    schema = T.StructType([*PLAY_SCHEMA.fields, *added])
    with_text = records.select(*RECORD_COLUMNS, _object_text().alias(_TEXT))  # computed once
    text = F.col(_TEXT)
    # Positions in a text are counted in characters, from its beginning; those in bytes cost nothing.
    whole = text.cast("binary")
    without_end = F.substring(whole, F.lit(1), F.octet_length(text) - 1).cast("string")
    # An object without fields has no comma before the added one.
    without_names = ~without_end.contains('"') & without_end.rlike(_NO_FIELDS)
    comma = F.when(without_names, "").otherwise(", ")
    decoded = F.from_json(
        F.concat(without_end, comma, F.lit(f'"{_WHOLE}": true}}')),
        schema,
        {"mode": "PERMISSIVE", "columnNameOfCorruptRecord": _CORRUPT, "allowSingleQuotes": "false"},
    )
    return with_text.select(*RECORD_COLUMNS, F.when(text.endswith("}"), decoded).alias("play"))


def _begins_as_object() -> Column:
    """Whether the first character is a brace, apart from JSON's white space.

    Each mention of a record's value copies it. So most records are judged by one mention. A regular
    expression decodes the whole text, and runs only for texts that begin with white space.
    """
    first, text = F.substring("value", 1, 1), F.col("value").cast("string")
    possible = first.isin(*(F.lit(character.encode()) for character in "{" + _SPACE))
    return possible & (text.startswith("{") | text.rlike(_BEGINS))


def _object_text() -> Column:
    """The text of a record that begins as an object, without white space of JSON at its end; or null.

    Spark's trim of several characters makes two lists of all characters. So it runs only for texts that end
    with others than spaces.
    """
    trimmed = F.rtrim(F.col("value").cast("string"))
    whole = F.when(trimmed.endswith("}"), trimmed).otherwise(F.rtrim(trimmed, F.lit(_SPACE)))
    return F.when(_begins_as_object(), whole)


def without_tombstones(records: DataFrame) -> DataFrame:
    """KafkaRecord -> KafkaRecord: without tombstones (a key, no value)."""
    return records.where(~(F.col("key").isNotNull() & F.col("value").isNull()))


def plays(parsed: DataFrame, *, stream: StreamSettings) -> DataFrame:
    """ParsedRecord -> Play: the well-formed plays, a column for each field."""
    return well_formed(parsed, stream=stream).select(*(f"play.{field.name}" for field in FIELDS))


def well_formed(parsed: DataFrame, *, stream: StreamSettings) -> DataFrame:
    """ParsedRecord -> ParsedRecord of the well-formed plays."""
    # Spark would push the conditions themselves below the parser, and parse once for each of them.
    judged = parsed.where(_may_be_play(stream)).withColumn("fits", _well_formed(stream))
    return judged.where("fits").drop("fits")


def _may_be_play(stream: StreamSettings) -> Column:
    """False for most records that are not plays, at the cost of a search for bytes.

    The name of each required field is in a play's text, unless a character of it is escaped.
    """
    text = F.col("value").cast("string")
    names = [text.contains(f'"{field.name}"') for field in FIELDS if field.required]
    return (
        _begins_as_object()
        & (F.octet_length("value") <= stream.max_play_size)
        & (reduce(lambda first, second: first & second, names) | text.contains("\\"))
    )


def set_aside(parsed: DataFrame, *, stream: StreamSettings) -> DataFrame:
    """ParsedRecord -> SetAsideRecord: a ParsedRecord with `reason`, one of :data:`REASONS` or `delayed`."""
    return parsed.withColumn("reason", _reason(stream)).where("reason IS NOT NULL")


DELAYED = "delayed"
"""The reason of well-formed plays that arrived after `stream.allowed_lateness`, within `stream.max_delay`."""
REASONS = (
    "empty",
    "too_large",
    "not_utf8",
    "malformed",
    *(f"missing_{field.name}" for field in FIELDS if field.required),
    *(f"invalid_{field.name}" for field in FIELDS),
    "future_arrival",
    "future",
    "late",
)
"""All reasons for which a record is rejected."""


def _well_formed(stream: StreamSettings) -> Column:
    """Whether a record breaks none of the rules of :func:`_reason`; null counts as no."""
    arrived, skew = F.unix_millis("timestamp"), _milliseconds(stream.max_clock_skew)
    bounds: dict[tuple[int, int], list[Column]] = defaultdict(list)
    for field in FIELDS:
        if field.kind == "whole":
            value = F.col(f"play.{field.name}")
            bounds[field.minimum, field.maximum].append(
                value if field.required else F.coalesce(value, F.lit(field.minimum))
            )
    within = [
        condition
        for (minimum, maximum), values in bounds.items()
        for condition in (_least(values) >= minimum, _greatest(values) <= maximum)
    ]
    texts, pattern = _all_text()
    rules = [
        F.octet_length("value") <= stream.max_play_size,
        _is_utf8(),
        F.col(f"play.{_WHOLE}"),
        F.col(f"play.{_CORRUPT}").isNull(),
        texts.rlike(pattern),
        *within,
        arrived <= _newest(stream),
        F.col("play.occurred_at").between(
            arrived - _milliseconds(stream.allowed_lateness), F.least(arrived + skew, _newest(stream))
        ),
    ]
    return reduce(lambda first, second: first & second, rules)


def _is_utf8() -> Column:
    """Whether a record's value is UTF-8.

    For `is_valid_utf8`, Spark would look a Java method up for each record.
    """
    return F.try_validate_utf8(F.col("value").cast("string")).isNotNull()


def _all_text() -> tuple[Column, str]:
    """All required fields and all texts in one text, and the pattern of it.

    The text is null if a required field is missing. Line feeds, which no field may contain, separate the
    fields; an optional field has a sign before it, so that an empty text differs from a missing one.
    """
    texts, patterns = [], []
    for field in FIELDS:
        value = F.col(f"play.{field.name}")
        if field.kind == "whole":
            if field.required:
                texts.append(value.cast("string"))
                patterns.append("-?[0-9]+")
            continue
        pattern = "|".join(map(re.escape, field.choices)) if field.choices else field.pattern
        if field.required:
            texts.append(value)
            patterns.append(f"(?:{pattern})")
        else:
            texts.append(F.coalesce(F.concat(F.lit("+"), value), F.lit("-")))
            patterns.append(rf"(?:\+(?:{pattern})|-)")
    with_feeds = [part for text in texts for part in (F.lit("\n"), text)][1:]
    return F.concat(*with_feeds), r"\A" + r"\n".join(patterns) + r"\z"


def _least(values: list[Column]) -> Column:
    return F.least(*values) if len(values) > 1 else values[0]


def _greatest(values: list[Column]) -> Column:
    return F.greatest(*values) if len(values) > 1 else values[0]


def _reason(stream: StreamSettings) -> Column:
    """The first rule that a record breaks, `delayed`, or null. Cheap and general rules come first."""
    arrived = F.unix_millis("timestamp")
    occurred = F.col("play.occurred_at")
    skew = _milliseconds(stream.max_clock_skew)
    rules: list[tuple[Column, str]] = [
        (F.col("value").isNull(), "empty"),
        (F.octet_length("value") > stream.max_play_size, "too_large"),
        (~_is_utf8(), "not_utf8"),
        (F.col("play").isNull() | F.col(f"play.{_CORRUPT}").isNotNull(), "malformed"),
        (F.col(f"play.{_WHOLE}").isNull(), "malformed"),
        *(rule for field in FIELDS for rule in _field_rules(field)),
        (arrived > _newest(stream), "future_arrival"),
        (occurred > F.least(arrived + skew, _newest(stream)), "future"),
        (arrived - occurred > _milliseconds(max(stream.allowed_lateness, stream.max_delay)), "late"),
        (arrived - occurred > _milliseconds(stream.allowed_lateness), DELAYED),
    ]
    (first, reason), *others = rules
    return reduce(lambda chain, rule: chain.when(rule[0], rule[1]), others, F.when(first, reason))


def _newest(stream: StreamSettings) -> Column:
    """The newest date (epoch ms) that this machine's clock allows.

    Without this bound, a broker or producer whose clock is ahead would move the watermark, and all later
    plays would be dropped behind it. Spark stores the time of each micro-batch, so that a repeated one judges
    alike.
    """
    tolerance = max(stream.max_clock_skew, _CLOCKS_DIFFER)
    return F.unix_millis(F.current_timestamp()) + _milliseconds(tolerance)


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


def _milliseconds(duration: timedelta) -> int:
    return int(duration.total_seconds() * 1000)
