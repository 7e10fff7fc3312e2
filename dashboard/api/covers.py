"""The route of cover pictures."""

from __future__ import annotations

import re

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from segue.catalog.covers import CoverPicture, Covers
from segue.catalog.tracks import Tracks
from segue.dashboard.services import Services

_ID = re.compile(r"[0-9a-f]{64}")
_A_YEAR = 31_536_000


def routes(services: Services) -> list[Route]:
    """`GET /api/covers/{id}`: a cover. Its id is its checksum, so browsers may cache it without a limit."""
    covers, tracks = Covers(services.store), Tracks(services.store)

    def read(cover_id: str) -> CoverPicture | None:
        return covers.read(cover_id) if tracks.shows_cover(cover_id) else None

    # A shared cache would give a picture of a hidden library to everybody.
    audience = "private" if services.settings.library.accounts else "public"

    async def cover(request: Request) -> Response:
        cover_id = request.path_params["cover_id"]
        if not _ID.fullmatch(cover_id):
            return Response(status_code=404)
        cover = await run_in_threadpool(read, cover_id)
        if cover is None:
            return Response(status_code=404)
        return Response(
            bytes(cover["data"]),
            media_type=cover["type"],
            headers={
                "Cache-Control": f"{audience}, max-age={_A_YEAR}, immutable",
                "X-Content-Type-Options": "nosniff",
            },
        )

    return [Route("/api/covers/{cover_id}", cover, methods=["GET"])]
