"""`GET /api/search?q=words&songs=50`: songs, artists, albums and the listener's playlists.

Typos are tolerated, and each word may be the beginning of one in the library.
"""

from __future__ import annotations

from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from segue.catalog.search import LONGEST_QUERY, matching
from segue.dashboard.api.requests import session_of
from segue.dashboard.services import Services

MOST = 1000
"""The most songs of a response."""
_SONGS, _NAMES, _PLAYLISTS = 50, 6, 5


def routes(services: Services) -> list[Route]:
    """See the module."""

    async def search(request: Request) -> Response:
        listener, _ = await session_of(services, request)
        query = request.query_params.get("q", "").strip()
        songs = request.query_params.get("songs", str(_SONGS))
        if len(query) > LONGEST_QUERY:
            raise HTTPException(400, f"q has at most {LONGEST_QUERY} characters")
        if not (songs.isascii() and songs.isdigit() and len(songs) < 6):
            raise HTTPException(400, "songs must be a number")
        limit = min(int(songs), MOST)
        found = await run_in_threadpool(_found, services, listener.user_id, query, limit)
        return JSONResponse(found, headers={"Cache-Control": "no-store"})

    return [Route("/api/search", search, methods=["GET"])]


def _found(services: Services, user_id: str, query: str, limit: int) -> dict[str, Any]:
    if not query:
        return {"songs": [], "total": 0, "artists": [], "albums": [], "playlists": []}
    catalogue = services.catalogue
    songs = catalogue.search(query, limit=limit)
    artists = catalogue.search_artists(query, limit=_NAMES)
    albums = catalogue.search_albums(query, limit=_NAMES)
    own = services.playlists.of(user_id)
    places = matching(query, [playlist.name for playlist in own])[:_PLAYLISTS]
    return {
        "songs": [song.data() for song in songs],
        "total": songs.total,
        "artists": [{"name": artist["name"], "cover": artist["cover_id"]} for artist in artists],
        "albums": [
            {
                "id": album["_id"],
                "name": album["name"],
                "artist": album["artist"],
                "year": album["year"],
                "cover": album["cover_id"],
            }
            for album in albums
        ],
        "playlists": [
            {"id": own[place].playlist_id, "name": own[place].name, "tracks": len(own[place].tracks)}
            for place in places
        ],
    }
