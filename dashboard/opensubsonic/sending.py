"""Sends the events of a call."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from segue.dashboard import app_events
from segue.dashboard.opensubsonic.answers import unavailable
from segue.dashboard.opensubsonic.call import Call
from segue.errors import SegueError


def send(call: Call, events: Sequence[Mapping[str, Any]]) -> None:
    """As :func:`segue.dashboard.app_events.send`.

    Raises
    ------
    ProtocolError
        Kafka does not accept events now.
    """
    try:
        app_events.send(call.server.services, events)
    except SegueError:
        raise unavailable("Segue cannot take plays now: try again.") from None
