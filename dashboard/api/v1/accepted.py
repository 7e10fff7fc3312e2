"""The limits of the values that the routes accept."""

from __future__ import annotations

import re

from starlette.requests import Request

from segue.catalog.search import LONGEST_QUERY
from segue.dashboard.problems import Problem

MOST = 100
"""Events of a request."""
LARGEST = 256 * 1024
"""Bytes of the body of a request."""
MOST_TRACKS = 100
"""Tracks of a response."""
MOST_AFTER = 200
"""Tracks that a radio has played."""
FROM_KEY = ("user_id", "session_id")
"""Fields of a play that the server takes from the key."""
DEFAULTS = {"ms_played": 0, "position_ms": 0, "duration_ms": 0, "source": "app"}
"""Fields of a play that an event may lack; the catalogue gives a missing `duration_ms`."""
TRACK_ID = r"[\x21-\x7e]{1,64}"


def limit_of(request: Request, *, usual: int) -> int:
    """The parameter `limit`.

    Raises
    ------
    Problem
        400: it is not a number from 1 to :data:`MOST_TRACKS`.
    """
    text = request.query_params.get("limit", str(usual))
    number = int(text) if re.fullmatch(r"[0-9]{1,4}", text) else 0
    if not 1 <= number <= MOST_TRACKS:
        raise Problem(400, f"limit must be a number from 1 to {MOST_TRACKS}")
    return number


def query_of(request: Request) -> str:
    """The parameter `q`.

    Raises
    ------
    Problem
        400: it is missing or too long.
    """
    query = request.query_params.get("q", "").strip()
    if not 1 <= len(query) <= LONGEST_QUERY:
        raise Problem(400, f"q must have 1 to {LONGEST_QUERY} characters")
    return query


def track_of(request: Request) -> str:
    """The id of a track in the path.

    Raises
    ------
    Problem
        404: no track can have it.
    """
    track_id: str = request.path_params["track_id"]
    if not re.fullmatch(TRACK_ID, track_id):
        raise Problem(404, "there is no such track")
    return track_id


def after_of(request: Request) -> list[str]:
    """The parameter `after`: ids of tracks, separated by commas.

    Raises
    ------
    Problem
        400: there are too many, or one is not an id.
    """
    ids = [one for one in request.query_params.get("after", "").split(",") if one]
    if len(ids) > MOST_AFTER or not all(re.fullmatch(TRACK_ID, one) for one in ids):
        raise Problem(400, f"after must be at most {MOST_AFTER} ids of tracks, separated by commas")
    return ids
