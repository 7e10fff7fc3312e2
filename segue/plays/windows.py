"""The fields of a play that the windows of the streaming queries keep: one definition for all of them.

The state of a window is a list of structs, and Spark continues a checkpoint only if these structs are as they
were. So :attr:`WindowFields.state` stays as it is; a field of a play that is to be kept and came later
(``Field(kept=True)``) travels in the text of `type`, behind a line feed, as JSON
(:mod:`segue.spark.windows`). It has a column of its own wherever a window is read, null for plays of before.
So it can be added to running checkpoints, and removed again.
"""

from __future__ import annotations

from dataclasses import dataclass

from segue.plays.event import FIELDS

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
        """The fields of the struct as it is read."""
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
