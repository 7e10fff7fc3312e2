"""The play event: the one definition behind the producer's check, the dashboard's, and Spark's schema.

It also says which fields the windows of the streaming queries keep. The state of a window is a list of
structs, and Spark continues a checkpoint only if these structs are as they were. So
:attr:`WindowFields.state` stays as it is; a field of a play that is to be kept and came later
(``Field(kept=True)``) travels in the text of `type`, behind a line feed, as JSON: :mod:`segue.spark.plays`
puts it there, :func:`segue.plays.added_fields.unfolded` gives it a field of its own, null for older plays.
So it can be added to running checkpoints, and removed again.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, NewType

from segue.plays.event_types import TYPES

SOURCES = ("home", "search", "playlist", "similar", "radio")


@dataclass(frozen=True, kw_only=True)
class Field:
    """One field of a play: its kind, whether it must be there, and what it may hold.

    `whole` numbers are signed 64-bit; `minimum` and `maximum` are inclusive. `pattern` is a regular
    expression in the part of the syntax that Python and Java share, matched against the whole text.
    """

    name: str
    kind: Literal["text", "whole"]
    meaning: str
    form: str = ""
    """What a text looks like, in words."""
    required: bool = True
    choices: tuple[str, ...] = ()
    kept: bool = False
    """Whether it stays with the play in tastes and statistics; a field of which nothing else is known can be
    added to running streams so."""
    pattern: str = r"[^\x00-\x1f\x7f]{1,128}"
    minimum: int = 0
    maximum: int = 2**53


FIELDS = (
    Field(
        name="event_id",
        kind="text",
        pattern=r"[0-9a-fA-F]{8}(-?[0-9a-fA-F]{4}){3}-?[0-9a-fA-F]{12}",
        form="UUID, with or without dashes",
        meaning="a repeated delivery counts once",
    ),
    Field(name="user_id", kind="text", form="1 to 128 characters", meaning="the listener"),
    Field(
        name="track_id",
        kind="text",
        pattern=r"[\x21-\x7e]{1,64}",
        form="1 to 64 printable ASCII characters without spaces",
        meaning="the track",
    ),
    Field(name="type", kind="text", choices=TYPES, meaning="what happened"),
    Field(name="ms_played", kind="whole", meaning="how much was heard, milliseconds"),
    Field(name="position_ms", kind="whole", meaning="where in the track, milliseconds"),
    Field(name="duration_ms", kind="whole", meaning="how long the track is, milliseconds; 0: not known"),
    Field(
        name="occurred_at",
        kind="whole",
        maximum=253_402_300_799_999,  # to the end of the year 9999
        meaning="event time, by the producer's clock, epoch milliseconds",
    ),
    Field(name="session_id", kind="text", form="1 to 128 characters", meaning="the browser's session"),
    Field(name="source", kind="text", choices=SOURCES, meaning="where the play came from"),
    Field(
        name="recommendation_id",
        kind="text",
        required=False,
        form="1 to 128 characters",
        meaning="the recommendation that it came from",
    ),
    Field(name="rank", kind="whole", required=False, meaning="the track's place in it, from 1"),
    Field(
        name="model",
        kind="text",
        required=False,
        form="1 to 128 characters",
        meaning="the variant of the recommendation that it came from",
    ),
)


class InvalidPlay(ValueError):
    """An event that is no play. :attr:`fault` says why, as `missing_<field>` or `invalid_<field>`."""

    def __init__(self, fault: str, value: object) -> None:
        super().__init__(f"{fault}: {value!r}")
        self.fault = fault


Play = NewType("Play", Mapping[str, Any])
"""An event that :func:`checked` has let through."""


def checked(event: Mapping[str, Any]) -> Play:
    """The event as a play.

    Raises
    ------
    InvalidPlay
        It breaks the definition.
    """
    if wrong := fault(event):
        raise InvalidPlay(wrong, event.get(wrong.partition("_")[2]))
    return Play(event)


def fault(play: Mapping[str, Any]) -> str | None:
    """Say why a decoded event is not a play, as `missing_<field>` or `invalid_<field>`; None when it is one.

    Fields that the definition does not name are allowed, so that a producer may be newer than a consumer.
    """
    for field in FIELDS:
        value = play.get(field.name)
        if value is None:
            if field.required:
                return f"missing_{field.name}"
        elif not _fits(field, value):
            return f"invalid_{field.name}"
    return None


def _fits(field: Field, value: object) -> bool:
    if field.kind == "whole":
        return type(value) is int and field.minimum <= value <= field.maximum
    if not isinstance(value, str):
        return False
    return value in field.choices if field.choices else re.fullmatch(field.pattern, value) is not None


KEPT = tuple(field.name for field in FIELDS if field.kept)
"""The fields that were added to the windows after checkpoints had been made."""


@dataclass(frozen=True, kw_only=True)
class WindowFields:
    """What one kind of window holds."""

    name: str
    """Of the column with the list."""
    state_format: int
    """To be raised when `state`, or the plan of the query, changes so that older ones are unreadable."""
    state: tuple[str, ...]
    """The fields of the struct in the state; the newest plays are told by the first."""

    @property
    def fields(self) -> tuple[str, ...]:
        """The fields of the struct as :func:`segue.plays.added_fields.unfolded` returns it."""
        return (*self.state, *KEPT)


SIGNAL_WINDOW = WindowFields(
    name="signals",
    state_format=2,
    state=("occurred_at", "event_id", "track_id", "type", "ms_played", "duration_ms"),
)
"""What is kept of the plays that say something of a listener's taste."""
EVENT_WINDOW = WindowFields(
    name="events",
    state_format=1,
    state=(*SIGNAL_WINDOW.state, "source", "rank", "model"),
)
"""What is kept of the plays that are counted."""
