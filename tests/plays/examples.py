"""Plays for tests: a well-formed one to vary."""

from __future__ import annotations

import json
import time
import uuid
from typing import Any


def a_play(**changes: Any) -> dict[str, Any]:
    play = {
        "event_id": str(uuid.uuid4()),
        "user_id": "ada",
        "track_id": "t1",
        "type": "complete",
        "ms_played": 200_000,
        "position_ms": 200_000,
        "duration_ms": 200_000,
        "occurred_at": time.time_ns() // 1_000_000,
        "session_id": "s1",
        "source": "home",
    }
    return {name: value for name, value in (play | changes).items() if value is not ...}


def encoded(**changes: Any) -> bytes:
    """A play as it stands in Kafka; a field set to ... is left out."""
    return json.dumps(a_play(**changes)).encode()
