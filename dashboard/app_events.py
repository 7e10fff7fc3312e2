"""Sends the events of other apps to the stream."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import Any

from segue.dashboard.services import Services
from segue.errors import SegueError
from segue.plays.event import Play

log = logging.getLogger(__name__)


def send(services: Services, events: Sequence[Mapping[str, Any]]) -> list[Play]:
    """Send events.

    Returns
    -------
    The plays that Kafka has. Another request is sending the other valid ones.

    Raises
    ------
    SegueError
        Kafka does not accept events now.
    """
    if not events:
        return []
    try:
        delivered, refused = services.delivery.send(events)
    except SegueError as error:
        services.metrics.kafka_errors.inc()
        log.warning("events of an app were not sent: %s", error)
        raise
    services.metrics.plays.inc(len(delivered))
    services.metrics.refused_plays.inc(len(refused))
    if refused:
        log.warning("events of an app are invalid: %s", sorted(set(refused.values())))
    return delivered
