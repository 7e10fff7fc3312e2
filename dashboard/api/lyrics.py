"""`GET /api/tracks/{track_id}/lyrics`: the lyrics of a track, with the times of lines where known.

Those of a song of a connected server are asked for there, when somebody wants to see them.
"""

from __future__ import annotations

from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from segue.catalog.lyrics import Lyrics
from segue.catalog.track_lyrics import TrackLyrics
from segue.catalog.tracks import Tracks
from segue.dashboard.api.requests import session_of
from segue.dashboard.api.sounds import apart
from segue.dashboard.services import Services


def routes(services: Services) -> list[Route]:
    """See the module."""

    async def read(request: Request) -> Response:
        await session_of(services, request)
        found = await apart(services, lyrics_of, services, request.path_params["track_id"])
        if found is None:
            raise HTTPException(404, "there is no such track")
        return JSONResponse({"versions": list(map(_data, found))}, headers={"Cache-Control": "no-store"})

    return [Route("/api/tracks/{track_id}/lyrics", read, methods=["GET"])]


def lyrics_of(services: Services, track_id: str) -> tuple[Lyrics, ...] | None:
    """The lyrics of a track, those with times first; None if there is no such track for the visitor."""
    found = TrackLyrics(services.store).of(track_id)
    if found != ():
        return found
    recording = Tracks(services.store).recording(track_id)
    return services.originals.lyrics(recording.server) if recording and recording.server else ()


def _data(lyrics: Lyrics) -> dict[str, Any]:
    """Lyrics in the form of :class:`segue.dashboard.api.schemas.LyricsVersion`."""
    lines = (
        {"text": line.text} | ({} if line.start_ms is None else {"start_ms": line.start_ms})
        for line in lyrics.lines
    )
    return {"language": lyrics.language, "synced": lyrics.synced, "lines": list(lines)}
