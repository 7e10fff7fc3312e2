"""Endpoints with the listener's stars and ratings.

A star on a song is a like, which the next songs follow. The lowest rating of a song is a dislike, since the
protocol has no other.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Sequence

from segue.dashboard.opensubsonic import ids
from segue.dashboard.opensubsonic.call import Call, Content, Endpoint
from segue.dashboard.opensubsonic.failure import Code, ProtocolError, invalid, missing, not_found
from segue.taste.marks import BEST, MarkKind

DISLIKED = 1
"""The rating that is a dislike."""
MOST = 1000
"""The objects of a call: each is looked for in the database, and each song is an event."""


def star(call: Call) -> Content:
    songs, others = _objects(call)
    _express(call, songs, "like")
    call.server.marks.star(call.user_id, others)
    return {}


def unstar(call: Call) -> Content:
    songs, others = _objects(call)
    given = call.server.opinions.given(call.user_id, songs)
    _express(call, [one for one in songs if one in given and given[one]["opinion"] == "like"], "unlike")
    call.server.marks.unstar(call.user_id, others)
    return {}


def rate(call: Call) -> Content:
    text, rating = call.parameters.text("id"), call.parameters.optional_whole("rating")
    if rating is None:
        raise missing("rating")
    if not 0 <= rating <= BEST:
        raise invalid("rating", f"it must be 0 to {BEST}")
    kind, key = _known(call, text)
    if kind == "track":
        given = call.server.opinions.given(call.user_id, [key]).get(key)
        disliked = given is not None and given["opinion"] == "dislike"
        if rating == DISLIKED and not disliked:
            _express(call, [key], "dislike")
        elif rating != DISLIKED and disliked:
            _express(call, [key], "undislike")
    call.server.marks.rate(call.user_id, kind, key, rating or None)
    return {}


def _objects(call: Call) -> tuple[list[str], list[tuple[MarkKind, str]]]:
    """The songs, and the albums and artists, that a call names; `id` may also name an album or an artist."""
    parameters = call.parameters
    texts = [text for name in ("id", "albumId", "artistId") for text in parameters.filled(name)]
    if not texts:
        raise missing("id")
    if len(texts) > MOST:
        raise ProtocolError(Code.GENERIC, f"A call can name {MOST} songs, albums and artists at most.")
    found = [_known(call, text) for text in dict.fromkeys(texts)]
    return [key for kind, key in found if kind == "track"], [one for one in found if one[0] != "track"]


def _known(call: Call, text: str) -> ids.Object:
    """The object of an id.

    Raises
    ------
    ProtocolError
        There is no such object.
    """
    found = ids.parse(text)
    server = call.server
    if found.kind == "album":
        known = bool(server.albums.several([found.key]))
    elif found.kind == "artist":
        known = bool(server.artists.several([found.key]))
    else:
        known = bool(server.tracks.known_ids([found.key]))
    if not known:
        raise not_found(found.kind if found.kind != "track" else "song")
    return found


def _express(call: Call, track_ids: Sequence[str], kind: str) -> None:
    lengths = call.server.tracks.full(track_ids)
    now = round(time.time() * 1000)
    events = [
        {
            "event_id": str(uuid.uuid4()),
            "user_id": call.user_id,
            "track_id": track_id,
            "type": kind,
            "ms_played": 0,
            "position_ms": 0,
            "duration_ms": (lengths[track_id].summary.duration_ms or 0) if track_id in lengths else 0,
            "occurred_at": now + number,  # one after the other
            "session_id": call.caller.session_id,
            "source": "app",
        }
        for number, track_id in enumerate(track_ids)
    ]
    call.server.services.delivery.send(events)


ENDPOINTS: dict[str, Endpoint] = {"star": star, "unstar": unstar, "setRating": rate}
