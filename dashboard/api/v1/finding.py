"""Similar tracks, the radio of a track, and search."""

from __future__ import annotations

import time
from typing import Any

from starlette.requests import Request

from segue.dashboard.api.v1.accepted import after_of, limit_of, query_of, track_of
from segue.dashboard.problems import Problem
from segue.dashboard.queries.items import Item
from segue.dashboard.queries.profile import not_recommended
from segue.dashboard.queries.sounding import UnknownTrack, radio
from segue.dashboard.services import Services
from segue.people.api_keys import ApiKey

_USUAL, _USUAL_SEARCH, _NAMES = 20, 50, 10


def track(item: Item) -> dict[str, Any]:
    """An item as a track of the API."""
    return {
        "id": item.track_id,
        "title": item.title,
        "artist": item.artist,
        "album": item.album,
        "genre": item.genre,
        "duration_ms": item.duration_ms,
    }


def similar(services: Services, key: ApiKey, request: Request) -> dict[str, Any]:
    """The tracks that sound most like one; none for a track that is newer than the index.

    Raises
    ------
    Problem
        404: there is no such track.
    SegueError
        There is no index yet.
    """
    track_id, limit = track_of(request), limit_of(request, usual=_USUAL)
    if services.catalogue.track(track_id) is None:
        raise Problem(404, "there is no such track")
    near = services.catalogue.neighbours(track_id, limit=limit)
    return {"tracks": [{**track(one.item), "similarity": round(one.score, 4)} for one in near]}


def tuned(services: Services, key: ApiKey, request: Request) -> dict[str, Any]:
    """The next tracks of a radio, without those that the listener does not want.

    Raises
    ------
    Problem
        404: the index has no such track.
    SegueError
        There is no index yet.
    """
    seed, after = track_of(request), after_of(request)
    limit = limit_of(request, usual=_USUAL)
    catalogue, now = services.catalogue, round(time.time() * 1000)
    avoid = sorted(not_recommended(catalogue, key.user_id, bundle=catalogue.bundle(), at=now))
    try:
        items = radio(catalogue, services.settings, seed=seed, after=after, avoid=avoid, items=limit)
    except UnknownTrack:
        raise Problem(404, "there is no such track, or it is newer than the index") from None
    return {"tracks": [track(item) for item in items]}


def found(services: Services, key: ApiKey, request: Request) -> dict[str, Any]:
    """Tracks, artists and albums whose names match some words."""
    query, limit = query_of(request), limit_of(request, usual=_USUAL_SEARCH)
    catalogue = services.catalogue
    tracks = catalogue.search(query, limit=limit)
    return {
        "tracks": [track(item) for item in tracks],
        "total": tracks.total,
        "artists": [one["name"] for one in catalogue.search_artists(query, limit=_NAMES)],
        "albums": [
            {"id": one["_id"], "name": one["name"], "artist": one["artist"], "year": one["year"]}
            for one in catalogue.search_albums(query, limit=_NAMES)
        ],
    }
