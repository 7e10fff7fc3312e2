"""The play event: one definition for the producer, the dashboard's validation and Spark's schema.

It also defines the fields that the windows of the streaming queries keep. The state of a window is a list of
structs, and Spark continues a checkpoint only if the type of these structs is unchanged. So
:attr:`WindowFields.state` never changes. A field that is kept and was added later (``Field(kept=True)``) is
encoded as JSON in the text of `type`, after a line feed: :mod:`segue.spark.plays` encodes it, and
:func:`segue.plays.added_fields.unfolded` decodes it to a field of the struct, null for older plays. So a
field can be added to running checkpoints, and removed again.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, NewType

from segue.plays.event_types import TYPES

SOURCES = ("home", "search", "playlist", "similar", "radio", "app")
MILLIONTHS = 1_000_000
"""The unit of the field `propensity`: a probability of 1."""


@dataclass(frozen=True, kw_only=True)
class Field:
    """A field of a play: its kind, whether it is required, and its valid values.

    `whole` numbers are signed 64-bit; `minimum` and `maximum` are inclusive. `pattern` is a regular
    expression in the part of the syntax that Python and Java share, matched against the whole text.
    """

    name: str
    kind: Literal["text", "whole"]
    meaning: str
    form: str = ""
    """The form of a text, in words."""
    required: bool = True
    choices: tuple[str, ...] = ()
    kept: bool = False
    """Whether tastes and statistics keep the field with the play. Such a field can be added to running
    streams, even if no other code knows it."""
    of_tastes: bool = True
    """Whether tastes keep it, too, if it is kept."""
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
    Field(name="type", kind="text", choices=TYPES, meaning="the event type"),
    Field(name="ms_played", kind="whole", meaning="how long the track was played, milliseconds"),
    Field(name="position_ms", kind="whole", meaning="position in the track, milliseconds"),
    Field(name="duration_ms", kind="whole", meaning="length of the track, milliseconds; 0: unknown"),
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
    Field(
        name="propensity",
        kind="whole",
        required=False,
        kept=True,
        of_tastes=False,
        minimum=1,
        maximum=MILLIONTHS,
        meaning="the probability with which the track is in the recommendation, millionths",
    ),
)


class InvalidPlay(ValueError):
    """An event that is not a valid play; :attr:`fault` is `missing_<field>` or `invalid_<field>`."""

    def __init__(self, fault: str, value: object) -> None:
        super().__init__(f"{fault}: {value!r}")
        self.fault = fault


Play = NewType("Play", Mapping[str, Any])
"""An event that :func:`checked` has validated."""


def checked(event: Mapping[str, Any]) -> Play:
    """Validate an event and return it as a play.

    Raises
    ------
    InvalidPlay
        The event breaks the definition.
    """
    if wrong := fault(event):
        raise InvalidPlay(wrong, event.get(wrong.partition("_")[2]))
    return Play(event)


def fault(play: Mapping[str, Any]) -> str | None:
    """Return the fault of a decoded event, `missing_<field>` or `invalid_<field>`, or None for a valid play.

    Unknown fields are allowed, so that a producer may be newer than a consumer.
    """
    for field in FIELDS:
        value = play.get(field.name)
        if value is None:
            if field.required:
                return f"missing_{field.name}"
        elif not _fits(field, value):
            return f"invalid_{field.name}"
    return None


def canonical_id(event_id: str) -> str:
    """The id of a play in one spelling: small letters and dashes."""
    return str(uuid.UUID(event_id))


def _fits(field: Field, value: object) -> bool:
    if field.kind == "whole":
        return type(value) is int and field.minimum <= value <= field.maximum
    if not isinstance(value, str):
        return False
    return value in field.choices if field.choices else re.fullmatch(field.pattern, value) is not None


KEPT = tuple(field.name for field in FIELDS if field.kept)
"""The kept fields that were added after the first checkpoints."""
NOT_OF_TASTES = frozenset(field.name for field in FIELDS if field.kept and not field.of_tastes)
"""Those of them that only statistics keep."""


@dataclass(frozen=True, kw_only=True)
class WindowFields:
    """The fields of one kind of window."""

    name: str
    """The name of the column with the list."""
    state_format: int
    """Raise it when `state`, or the plan of the query, changes so that older checkpoints are unreadable."""
    state: tuple[str, ...]
    """The fields of the struct in the state. The first one determines which plays are newest."""

    @property
    def fields(self) -> tuple[str, ...]:
        """The fields of the struct that :func:`segue.plays.added_fields.unfolded` returns."""
        return (*self.state, *KEPT)


SIGNAL_WINDOW = WindowFields(
    name="signals",
    state_format=2,
    state=("occurred_at", "event_id", "track_id", "type", "ms_played", "duration_ms"),
)
"""The fields that are kept of a signal."""
EVENT_WINDOW = WindowFields(
    name="events",
    state_format=1,
    state=(*SIGNAL_WINDOW.state, "source", "rank", "model"),
)
"""The fields that are kept of a counted play."""
