"""An event of the listener's playback."""

from __future__ import annotations

import time
import uuid
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from segue.client.answers import Attribution

EventType = Literal[
    "play",
    "complete",
    "skip",
    "leave",
    "like",
    "dislike",
    "unlike",
    "undislike",
    "impression",
    "pause",
    "seek",
]


@dataclass(frozen=True, kw_only=True)
class Event:
    """An event. `play` begins a track; `complete`, `skip` or `leave` ends it.

    It counts once by its id: send the same object again if a call fails.
    """

    track_id: str
    type: EventType
    ms_played: int = 0
    """How long the track was played, milliseconds."""
    position_ms: int = 0
    """Position in the track, milliseconds."""
    duration_ms: int | None = None
    """Length of the track, milliseconds; by default that of the catalogue."""
    attribution: Attribution | None = None
    """The recommendation that the track came from."""
    occurred_at: int = field(default_factory=lambda: round(time.time() * 1000))
    """Epoch milliseconds."""
    event_id: str = field(default_factory=lambda: str(uuid.uuid4()))

    def content(self) -> dict[str, Any]:
        """The event as JSON."""
        own = asdict(self)
        own |= own.pop("attribution") or {}
        return {name: value for name, value in own.items() if value is not None}
