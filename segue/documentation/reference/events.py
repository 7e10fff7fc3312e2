"""The page on events and records."""

from __future__ import annotations

from collections.abc import Iterator

from segue.documentation.reference import markdown as md
from segue.documentation.reference.records import columns, json_schema
from segue.engagement.facts import StoredFact
from segue.plays.event import EVENT_WINDOW, FIELDS, SIGNAL_WINDOW, Field, WindowFields
from segue.plays.event_schema import play_schema
from segue.plays.event_types import EVENT_TYPES
from segue.ranking.recommendations import StoredRecommendation
from segue.spark.steps import Step
from segue.spark.transition_rules import Rule
from segue.taste.tastes import StoredTaste

RECORDS: dict[str, tuple[type, str]] = {
    "Steps": (Step, "A track that a listener played in a session; transition rules are learned from steps."),
    "Transition rules": (Rule, "The tracks that listeners play after a track."),
    "Tastes": (StoredTaste, "Collection `tastes`, one document for each listener."),
    "Recommendations": (
        StoredRecommendation,
        "Collection `recommendations`, one document for each listener.",
    ),
    "Listening facts": (
        StoredFact,
        "Collection `listening`, one document for each listener and window; statistics are sums of facts.",
    ),
}


def render() -> str:
    """The page."""
    return md.page(
        "Events and records",
        "Records that Segue reads and writes, with their JSON Schemas. "
        "[Collections](collections.md) lists everything that MongoDB stores.",
        "## The play event",
        "JSON in the topic `plays`, keyed by `user_id`. Fields that are not named here are allowed and "
        "ignored. "
        "`segue/plays/event.py` is the only definition: the checks of producers, the dashboard and Spark "
        "are made from it.",
        md.table(("field", "kind", "required", "meaning"), map(_field, FIELDS)),
        md.json_block(play_schema()),
        "## Event types",
        "A signal has a weight, which is a setting in `[signals]`; two settings are the weights at the "
        "start and "
        "at the end of the track. Only signals change a listener's taste.",
        md.table(("type", "weight", "ends a listening", "counted as"), _types()),
        "## Rejected plays",
        "The topic `plays.rejected` has the value as it arrived, with the headers `reason`, `topic`, "
        "`partition`, "
        "`offset` and `timestamp` (the record's Kafka timestamp, epoch milliseconds). Reasons, in the "
        "order in "
        "which they are checked: `empty`, `too_large`, `not_utf8`, `malformed`, `missing_<field>` and "
        "`invalid_<field>`, `future_arrival`, `future`, `late`. A record is a play, a delayed play (later "
        "than `stream.allowed_lateness`, within `stream.max_delay`) or rejected, and never two of these.",
        "## Windows",
        "The queries `recommend` (signal windows) and `engagement` (event windows) collect the plays of each "
        "listener by event time: a row for each listener and window, with the newest plays as a list.",
        "### Signal windows",
        md.table(("field", "kind", "meaning"), _window(SIGNAL_WINDOW)),
        "### Event windows",
        md.table(("field", "kind", "meaning"), _window(EVENT_WINDOW)),
        *(part for title, (record, about) in RECORDS.items() for part in _record(title, record, about)),
    )


def _record(title: str, record: type, about: str) -> Iterator[str]:
    yield f"## {title}"
    yield about
    yield md.table(
        ("field", "type", "meaning"),
        ((md.code(column.name), column.type, column.meaning) for column in columns(record)),
    )
    yield md.json_block({"title": record.__name__, **json_schema(record)})


def _field(field: Field) -> tuple[str, ...]:
    return md.code(field.name), _kind(field), "yes" if field.required else "no", field.meaning


def _kind(field: Field) -> str:
    if field.choices:
        return ", ".join(md.code(choice) for choice in field.choices)
    if field.kind == "whole":
        return f"whole number from {field.minimum}"
    return f"text, {field.form}" if field.form else "text"


def _types() -> Iterator[tuple[str, ...]]:
    for event_type in EVENT_TYPES:
        weight = event_type.weight
        weights = (weight,) if isinstance(weight, str) else weight or ()
        yield (
            md.code(event_type.name),
            ", ".join(md.code(f"signals.{key}") for key in weights) or "no signal",
            "yes" if event_type.ends else "no",
            md.code(event_type.counted_as or ""),
        )


def _window(window: WindowFields) -> Iterator[tuple[str, ...]]:
    yield "`user_id`", "text", "the listener"
    yield "`window_start`", "whole number", "epoch milliseconds"
    of_play = {field.name: field for field in FIELDS}
    for name in window.fields:
        kind = "whole number" if of_play[name].kind == "whole" else "text"
        yield md.code(f"{window.name}[].{name}"), kind, of_play[name].meaning
