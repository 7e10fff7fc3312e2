"""Every route of the API for developers as data (:mod:`segue.dashboard.api.described`)."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel

from segue.catalog.search import LONGEST_QUERY
from segue.dashboard.api.described import Answer, Media, Operation, Parameter
from segue.dashboard.api.openapi import document_of
from segue.dashboard.api.v1 import schemas as s
from segue.dashboard.api.v1.accepted import LARGEST, MOST_AFTER, MOST_TRACKS
from segue.dashboard.paths import DEVELOPERS as ROOT
from segue.dashboard.problems import MEDIA
from segue.people.api_keys import CATALOGUE, EVENTS, RECOMMENDATIONS

SCHEME: Mapping[str, Mapping[str, Any]] = {"key": {"type": "http", "scheme": "bearer"}}


@dataclass(frozen=True, kw_only=True)
class KeyOperation(Operation):
    """An operation of the API for developers."""

    scope: str | None = None
    """The scope that a key needs; None: any key, or none (:attr:`is_open`)."""
    is_open: bool = False
    """Whether it needs no key."""


def _problem(status: int, text: str) -> dict[int, Answer]:
    return {status: Answer(text=text, body=s.Problem, media=MEDIA)}


def _ok(text: str, body: type[BaseModel] | Media) -> dict[int, Answer]:
    return {200: Answer(text=text, body=body)}


_WRONG = _problem(400, "A parameter is not accepted.")
_NO_TRACK = _problem(404, "There is no such track.")
_LIMIT = Parameter(
    name="limit",
    text=f"The most tracks, at most {MOST_TRACKS}.",
    schema={"type": "integer", "minimum": 1, "maximum": MOST_TRACKS},
)
_TAG = "developers"

OPERATIONS = (
    KeyOperation(
        "GET",
        f"{ROOT}/me",
        "The listener and the rights of the key",
        _ok("The listener.", s.Caller),
        tag=_TAG,
    ),
    KeyOperation(
        "GET",
        f"{ROOT}/recommendations",
        "The listener's next tracks, with reasons",
        _ok("The plan.", s.Plan) | _WRONG,
        query=(_LIMIT,),
        tag=_TAG,
        scope=RECOMMENDATIONS,
    ),
    KeyOperation(
        "GET",
        f"{ROOT}/recommendations/stream",
        "The plan as server-sent events: an event `plan` at the beginning, and with each change",
        _ok("The stream. The data of an event is a `Plan`.", "text/event-stream") | _WRONG,
        query=(
            _LIMIT,
            Parameter(
                name="Last-Event-ID",
                text="The id of the last event: that plan is not sent again.",
                place="header",
            ),
        ),
        tag=_TAG,
        scope=RECOMMENDATIONS,
    ),
    KeyOperation(
        "GET",
        f"{ROOT}/tracks/{{track_id}}/similar",
        "The tracks that sound most like one",
        _ok("The tracks, most similar first.", s.SimilarTracks) | _WRONG | _NO_TRACK,
        query=(_LIMIT,),
        tag=_TAG,
        scope=CATALOGUE,
    ),
    KeyOperation(
        "GET",
        f"{ROOT}/tracks/{{track_id}}/radio",
        "The next tracks of a radio that began with a track, without those that the listener dislikes",
        _ok("The tracks.", s.Tracks) | _WRONG | _NO_TRACK,
        query=(
            _LIMIT,
            Parameter(
                name="after",
                text=f"Ids of the tracks so far, oldest first, separated by commas; at most {MOST_AFTER}.",
            ),
        ),
        tag=_TAG,
        scope=RECOMMENDATIONS,
    ),
    KeyOperation(
        "GET",
        f"{ROOT}/search",
        "Tracks, artists and albums whose names match some words; typos are tolerated",
        _ok("The matches, best first.", s.Found) | _WRONG,
        query=(
            Parameter(
                name="q",
                text="The words.",
                required=True,
                schema={"type": "string", "minLength": 1, "maxLength": LONGEST_QUERY},
            ),
            _LIMIT,
        ),
        tag=_TAG,
        scope=CATALOGUE,
    ),
    KeyOperation(
        "POST",
        f"{ROOT}/events",
        "Send events of the listener's playback; one that is sent again counts once",
        _ok("The result for each event.", s.Results)
        | _problem(400, "The body is not a list of events.")
        | _problem(408, "The body came too slowly.")
        | _problem(413, f"The body is larger than {LARGEST // 1024} KB."),
        body=s.Events,
        tag=_TAG,
        scope=EVENTS,
    ),
    KeyOperation(
        "GET",
        f"{ROOT}/openapi.json",
        "This description",
        _ok("An OpenAPI 3.1 document.", "application/json"),
        tag=_TAG,
        is_open=True,
    ),
)


def answers(operation: KeyOperation) -> dict[int, Answer]:
    """All responses of an operation by status code, with those of the checks before it."""
    responses = dict(operation.answers)
    if not operation.is_open:
        responses |= _problem(401, "There is no key, or it is not valid.")
        responses |= _problem(
            429, "Too many requests, streams, or wrong keys; `Retry-After` gives the seconds to wait."
        )
        responses |= _problem(
            503, "The database, Kafka or the index is away; `Retry-After` gives the seconds to wait."
        )
    if operation.scope is not None:
        responses |= _problem(403, f"The key lacks the scope `{operation.scope}`.")
    return dict(sorted(responses.items()))


@functools.cache
def document() -> dict[str, Any]:
    """The OpenAPI document."""
    return document_of(
        OPERATIONS,
        title="Segue for developers",
        answers=answers,
        scheme=SCHEME,
        is_open=lambda operation: operation.is_open,
    )
