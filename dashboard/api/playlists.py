"""Playlists: list, create, add tracks, and export as a file.

A listener reaches only their own playlists. For another listener's playlist the response
is that for a missing one.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar
from urllib.parse import quote

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from segue.catalog.tracks import Tracks
from segue.dashboard.api.requests import json_body, refuse_cross_site, session_of
from segue.dashboard.language.words import translated
from segue.dashboard.queries.playlist_files import exported
from segue.dashboard.services import Services
from segue.dashboard.slow_work import SlowWork
from segue.people.login_sessions import Listener
from segue.playlists.playlist import Playlist, PlaylistError
from segue.playlists.rules import read_rules
from segue.playlists.written import FORMATS

_T = TypeVar("_T")
_LARGEST = 64 * 1024
_SHAPE = '{"tracks": [...]}'
MOST = 500
"""The most tracks that one request can add."""


def routes(services: Services) -> list[Route]:
    """See the module."""
    playlists = services.playlists

    async def names(request: Request) -> Response:
        listener, _ = await session_of(services, request)
        own = await run_in_threadpool(playlists.of, listener.user_id)
        return JSONResponse([_named(playlist) for playlist in own], headers={"Cache-Control": "no-store"})

    async def create(request: Request) -> Response:
        refuse_cross_site(request, services.settings.dashboard.base_url)
        listener, _ = await session_of(services, request)
        wanted = await json_body(request, limit=_LARGEST, shape=_SHAPE)
        if not isinstance(name := wanted.get("name"), str):
            raise HTTPException(400, "name must be text")
        tracks = await run_in_threadpool(_known, services, wanted)
        rules = None if wanted.get("rules") is None else await or_422(lambda: read_rules(wanted["rules"]))
        made = await or_422(lambda: playlists.create(listener.user_id, name, tracks=tracks, rules=rules))
        return JSONResponse(_named(made), status_code=201)

    async def add(request: Request) -> Response:
        refuse_cross_site(request, services.settings.dashboard.base_url)
        listener, _ = await session_of(services, request)
        wanted = await json_body(request, limit=_LARGEST, shape=_SHAPE)
        tracks = await run_in_threadpool(_known, services, wanted)
        playlist_id = await own_id(services, request, listener)
        await or_422(lambda: playlists.add(listener.user_id, playlist_id, tracks))
        return JSONResponse({})

    async def export(request: Request) -> Response:
        listener, _ = await session_of(services, request)
        playlist_id = request.path_params["playlist_id"]
        playlist = await run_in_threadpool(playlists.read, listener.user_id, playlist_id)
        if playlist is None:
            raise HTTPException(404, "there is no such playlist")
        suffix = request.query_params.get("format", "m3u8")
        if (form := FORMATS.get(suffix)) is None:
            raise HTTPException(400, f"format must be one of {', '.join(FORMATS)}")
        text = await run_in_threadpool(exported, services.store, playlist, form)
        name = quote(f"{playlist.name}.{suffix}", safe="")
        headers = {
            "Content-Disposition": f"attachment; filename=\"playlist.{suffix}\"; filename*=UTF-8''{name}",
            "Cache-Control": "no-store",
            "X-Content-Type-Options": "nosniff",
        }
        return Response(text, media_type=form.media_type, headers=headers)

    return [
        Route("/api/playlists", names, methods=["GET"]),
        Route("/api/playlists", create, methods=["POST"]),
        Route("/api/playlists/{playlist_id}/tracks", add, methods=["POST"]),
        Route("/api/playlists/{playlist_id}/file", export, methods=["GET"]),
    ]


def _named(playlist: Playlist) -> dict[str, Any]:
    return {
        "id": playlist.playlist_id,
        "name": playlist.name,
        "tracks": len(playlist.tracks),
        "by_rules": playlist.rules is not None,
    }


def _known(services: Services, wanted: dict[str, Any]) -> list[str]:
    """The track ids of a body; an HTTPException if one is not in the catalogue."""
    tracks = wanted.get("tracks", [])
    if not (isinstance(tracks, list) and len(tracks) <= MOST and all(isinstance(t, str) for t in tracks)):
        raise HTTPException(400, f"tracks must be a list of at most {MOST} track ids")
    in_library = Tracks(services.store).known_ids(tracks)
    if missing := [track_id for track_id in tracks if track_id not in in_library]:
        raise HTTPException(422, f"not in the library: {missing[0][:64]}")
    return tracks


async def own_id(services: Services, request: Request, listener: Listener) -> str:
    """The id of the listener's playlist in the path; an HTTPException if the listener has none of that id."""
    playlist_id: str = request.path_params["playlist_id"]
    if await run_in_threadpool(services.playlists.read, listener.user_id, playlist_id) is None:
        raise HTTPException(404, "there is no such playlist")
    return playlist_id


async def or_422(change: Callable[[], _T], *, work: SlowWork | None = None) -> _T:
    """The result of a change; an HTTPException with the reason if it is not possible.

    `work` is the kind of work, in which the request has a place.
    """
    try:
        return await (work.run(change) if work else run_in_threadpool(change))
    except PlaylistError as error:
        raise HTTPException(422, translated(error)) from None
