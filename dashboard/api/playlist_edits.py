"""Changes of a playlist in place: name, description, folder, cover and order.

For another listener's playlist the response is that for a missing one.
"""

from __future__ import annotations

from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from segue.dashboard.api.playlists import or_422, own_id
from segue.dashboard.api.requests import body, json_body, refuse_cross_site, session_of, visitor_of
from segue.dashboard.player.library import cover_of
from segue.dashboard.services import Services
from segue.playlists import picture
from segue.playlists.playlists import MOST_TRACKS
from segue.playlists.rules import read_rules

_LARGEST = 64 * 1024
_FACTS = '{"name": …, "comment": …, "folder": …, "cover": …, "rules": {…}}, with at least one of them'
_ORDER = '{"tracks": [{"place": 0, "track": …}, …], "to": 0 or null}'
_LARGEST_ORDER = 512 * 1024
"""Bytes; 10,000 songs take 430 KB."""
_LONGEST_ID = 100


def routes(services: Services) -> list[Route]:
    """See the module."""
    playlists = services.playlists

    async def describe(request: Request) -> Response:
        refuse_cross_site(request, services.settings.dashboard.base_url)
        listener, _ = await session_of(services, request)
        wanted = await json_body(request, limit=_LARGEST, shape=_FACTS)
        facts = {
            name: value
            for name in ("name", "comment", "folder", "cover")
            if (value := wanted.get(name)) is not None
        }
        rules = wanted.get("rules")
        if not (facts or rules) or not all(isinstance(value, str) for value in facts.values()):
            raise HTTPException(400, f"expected {_FACTS}")
        if "cover" in facts:
            facts["cover_id"] = facts.pop("cover")[:_LONGEST_ID]
        playlist_id = await own_id(services, request, listener)
        await or_422(lambda: playlists.describe(listener.user_id, playlist_id, **facts))
        if rules is not None:
            await or_422(lambda: playlists.set_rules(listener.user_id, playlist_id, read_rules(rules)))
        return JSONResponse({})

    async def arrange(request: Request) -> Response:
        refuse_cross_site(request, services.settings.dashboard.base_url)
        listener, _ = await session_of(services, request)
        tracks, to = _arrangement(await json_body(request, limit=_LARGEST_ORDER, shape=_ORDER))
        playlist_id = await own_id(services, request, listener)
        version = await run_in_threadpool(playlists.arrange, listener.user_id, playlist_id, tracks, to=to)
        if version is None:
            raise HTTPException(409, "other tracks are at these places by now")
        return JSONResponse({"version": version})

    async def set_picture(request: Request) -> Response:
        refuse_cross_site(request, services.settings.dashboard.base_url)
        listener, _ = await session_of(services, request)
        playlist_id = await own_id(services, request, listener)
        with services.pictures.place(visitor_of(request, listener)):
            data = await body(request, limit=picture.LARGEST)
            await or_422(
                lambda: playlists.set_picture(listener.user_id, playlist_id, data), work=services.pictures
            )
        made = await run_in_threadpool(playlists.read, listener.user_id, playlist_id)
        return JSONResponse({"cover": cover_of(made) if made else None})

    async def show_picture(request: Request) -> Response:
        listener, _ = await session_of(services, request)
        data = await run_in_threadpool(
            playlists.picture, listener.user_id, request.path_params["playlist_id"]
        )
        if data is None:
            raise HTTPException(404, "there is no such picture")
        headers = {
            "Cache-Control": "private, max-age=31536000, immutable",
            "X-Content-Type-Options": "nosniff",
        }
        return Response(data, media_type="image/jpeg", headers=headers)

    return [
        Route("/api/playlists/{playlist_id}", describe, methods=["PUT"]),
        Route("/api/playlists/{playlist_id}/order", arrange, methods=["POST"]),
        Route("/api/playlists/{playlist_id}/picture", set_picture, methods=["PUT"]),
        Route("/api/playlists/{playlist_id}/picture", show_picture, methods=["GET"]),
    ]


def _arrangement(wanted: dict[str, Any]) -> tuple[list[tuple[int, str]], int | None]:
    """The tracks with their places, and their new place, of a body."""
    tracks, to = wanted.get("tracks"), wanted.get("to")
    if not isinstance(tracks, list) or not 1 <= len(tracks) <= MOST_TRACKS or not _whole_or_none(to):
        raise HTTPException(400, f"expected {_ORDER}")
    found = []
    for one in tracks:
        match one:
            case {"place": int(place), "track": str(track_id)} if not isinstance(place, bool):
                found.append((place, track_id))
            case _:
                raise HTTPException(400, f"expected {_ORDER}")
    return found, to


def _whole_or_none(value: Any) -> bool:
    return value is None or (isinstance(value, int) and not isinstance(value, bool))
