"""Takes events of a program's player, as plays of the key's listener.

Delivery: an event counts once by its id, however often it is sent (:mod:`segue.plays.delivery`). The answer
gives the result for each event; a program sends those again that are `pending`, and all after an error.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any

from segue.catalog.tracks import Tracks
from segue.dashboard.api.requests import json_object
from segue.dashboard.api.v1.accepted import DEFAULTS, FROM_KEY, MOST
from segue.dashboard.problems import Problem
from segue.dashboard.queries import attributed
from segue.dashboard.services import Services
from segue.people.api_keys import ApiKey
from segue.people.app_log_in import session_of_app
from segue.plays.event import FIELDS, canonical_id, fault
from segue.settings import milliseconds

_SHAPE = '{"events": [...]}'
_NAMES = tuple(field.name for field in FIELDS if field.name not in (*FROM_KEY, *attributed.FIELDS))
_WORDS = {"missing": "is missing", "invalid": "is not valid"}


def take(services: Services, key: ApiKey, body: bytes) -> dict[str, Any]:
    """Send the events of a body to Kafka; returns the result for each.

    Raises
    ------
    Problem
        400: the body is not a list of events.
    SegueError
        Kafka does not accept events now.
    """
    sent = _read(body)
    events = [_event(services, key, one) for one in _with_lengths(services, sent)]
    reasons = _reasons(services, events)
    valid = [
        {**event, "event_id": canonical_id(event["event_id"])}
        for event, reason in zip(events, reasons, strict=True)
        if reason is None
    ]
    plays, _ = services.delivery.send(valid)
    delivered = {play["event_id"] for play in plays}
    return {
        "results": [
            {
                "event_id": one.get("event_id") if isinstance(one.get("event_id"), str) else None,
                "status": "refused"
                if reason
                else "accepted"
                if canonical_id(event["event_id"]) in delivered
                else "pending",
                "reason": reason,
            }
            for one, event, reason in zip(sent, events, reasons, strict=True)
        ]
    }


def _read(body: bytes) -> list[dict[str, Any]]:
    events = json_object(body, shape=_SHAPE).get("events")
    if not isinstance(events, list) or not 1 <= len(events) <= MOST:
        raise Problem(400, f"events must be a list of 1 to {MOST} objects")
    for place, event in enumerate(events):
        if not isinstance(event, dict):
            raise Problem(400, f"events[{place}] must be an object")
    return events


def _with_lengths(services: Services, sent: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The events, with the lengths of their tracks where they have none."""
    without = [one.get("track_id") for one in sent if one.get("duration_ms") is None]
    named = {track_id for track_id in without if isinstance(track_id, str)}
    known = Tracks(services.store).summaries(named) if named else {}
    lengths = {track_id: track.duration_ms or 0 for track_id, track in known.items()}
    return [
        {**one, "duration_ms": lengths.get(str(one.get("track_id")), 0)}
        if one.get("duration_ms") is None
        else dict(one)
        for one in sent
    ]


def _event(services: Services, key: ApiKey, sent: Mapping[str, Any]) -> dict[str, Any]:
    own = {name: sent[name] for name in _NAMES if sent.get(name) is not None}
    own |= attributed.verified(sent, user_id=key.user_id, settings=services.settings)
    session_id = session_of_app(key.user_id, "api", key.key_id)
    return {**DEFAULTS, **own, "user_id": key.user_id, "session_id": session_id}


def _reasons(services: Services, events: Sequence[Mapping[str, Any]]) -> list[str | None]:
    """Why each event is refused; None for a valid one, the first of its id."""
    reasons, known = list[str | None](), set[str]()
    for event in events:
        reason = _reason(services, event)
        if reason is None:
            name = canonical_id(event["event_id"])
            if name in known:
                reason = "event_id is that of an earlier event of this request"
            known.add(name)
        reasons.append(reason)
    return reasons


def _reason(services: Services, event: Mapping[str, Any]) -> str | None:
    """Why an event is refused; None for a valid one."""
    if wrong := fault(event):
        kind, _, field = wrong.partition("_")
        return f"{field} {_WORDS[kind]}"
    accepted, early = services.settings.stream, event["occurred_at"] - round(time.time() * 1000)
    if early > milliseconds(accepted.max_clock_skew):
        return "occurred_at is in the future"
    if -early > milliseconds(accepted.max_delay):
        return "occurred_at is too long ago: import a history instead"
    return None
