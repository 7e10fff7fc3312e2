"""`/s/{token}`: the pages of share links; `/api/share`: create and revoke links.

The pages need no session, open none, and show only the shared content. Revoked, expired and unknown tokens
get the same response.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route

from segue.audio.transcoding.forms import FORMS
from segue.catalog.track_records import Recording
from segue.dashboard.api.audio import converted_to, recording
from segue.dashboard.api.converted import converted
from segue.dashboard.api.requests import client_address, json_body, refuse_cross_site, session_of
from segue.dashboard.api.shared_page import gone, page
from segue.dashboard.api.sounds import as_it_is, converting, type_of
from segue.dashboard.language.words import translated
from segue.dashboard.queries.shared import SharedContent, picture, shared
from segue.dashboard.services import Services
from segue.people.login_sessions import Listener
from segue.people.newcomers import limited_network
from segue.phrases import marked
from segue.social.links import KINDS, Link, ShareLinks, SharingError

_LARGEST = 4096
_SHAPE = '{"kind": ..., "key": ..., "title": ...}'
LONGEST_DAYS = 3650
_HEADERS = {
    # The address is a secret: keep it from other sites, search engines and shared caches.
    "Referrer-Policy": "no-referrer",
    "X-Robots-Tag": "noindex, nofollow",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
UNIVERSAL = "mp3"
"""The form that every browser plays: the page has no script that could choose one."""
COMMON = frozenset(
    {"audio/mpeg", "audio/flac", "audio/wav", "audio/aac", 'audio/mp4; codecs="mp4a.40.2"'}
    | {f'audio/ogg; codecs="{codec}"' for codec in ("vorbis", "opus")}
)
"""The media types that all current browsers play."""
_POLICY = (
    "default-src 'none'; img-src 'self'; media-src 'self'; style-src 'unsafe-inline'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


def routes(services: Services) -> list[Route]:
    """See the module."""
    links = services.links

    async def show_page(request: Request) -> Response:
        count = request.method == "GET"
        opened = await run_in_threadpool(_open, services, links, request.path_params["token"], count=count)
        headers = {**_HEADERS, "Content-Security-Policy": _POLICY, "Cache-Control": "no-store"}
        if opened is None:
            return HTMLResponse(gone(), status_code=404, headers=headers)
        link, content = opened
        here = request.url.path
        text = page(link, content, address=public_address(services, request) + here, here=here)
        return HTMLResponse(text, headers=headers)

    async def show_picture(request: Request) -> Response:
        token, network = request.path_params["token"], limited_network(client_address(request)) or ""
        data = await services.drawing.do(lambda: _picture(services, links, token), visitor=network)
        if data is None:
            raise HTTPException(404, "there is no such picture")
        return Response(
            data, media_type="image/png", headers={**_HEADERS, "Cache-Control": "private, max-age=300"}
        )

    async def play_track(request: Request) -> Response:
        token = request.path_params["token"]
        found = await run_in_threadpool(_recording, services, links, token, request.path_params["track_id"])
        return await _played(services, found, request, token=token)

    async def create(request: Request) -> Response:
        refuse_cross_site(request, services.settings.dashboard.base_url)
        listener, _ = await session_of(services, request)
        wanted = _wanted(await json_body(request, limit=_LARGEST, shape=_SHAPE))
        try:
            token = await run_in_threadpool(_create, services, links, listener, wanted)
        except SharingError as error:
            return JSONResponse({"error": translated(error)}, status_code=422)
        return JSONResponse({"url": f"{public_address(services, request)}/s/{token}"})

    async def revoke(request: Request) -> Response:
        refuse_cross_site(request, services.settings.dashboard.base_url)
        listener, _ = await session_of(services, request)
        link_id = request.path_params["link_id"]
        if not await run_in_threadpool(links.revoke, listener.user_id, link_id):
            raise HTTPException(404, "you have no such link")
        return JSONResponse({})

    return [
        Route("/s/{token}", show_page, methods=["GET"]),
        Route("/s/{token}/picture.png", show_picture, methods=["GET"]),
        Route("/s/{token}/audio/{track_id}", play_track, methods=["GET"]),
        Route("/api/share", create, methods=["POST"]),
        Route("/api/share/{link_id}", revoke, methods=["DELETE"]),
    ]


def public_address(services: Services, request: Request) -> str:
    """The base address of links to this dashboard, without a slash at the end."""
    return services.settings.dashboard.base_url.rstrip("/") or str(request.base_url).rstrip("/")


def _open(
    services: Services, links: ShareLinks, token: str, *, count: bool = False
) -> tuple[Link, SharedContent] | None:
    link = links.open(token, count=count)
    if link is None:
        return None
    content = shared(services.store, services.playlists, owner=link.owner, kind=link.kind, key=link.key)
    return (link, content) if content else None


def _picture(services: Services, links: ShareLinks, token: str) -> bytes | None:
    opened = _open(services, links, token)
    if not opened:
        return None
    return picture(services.store, *opened, engagement=services.settings.engagement)


def _recording(services: Services, links: ShareLinks, token: str, track_id: str) -> Recording:
    """The recording of a track of the link; 404 unless the link allows guests to play it."""
    opened = _open(services, links, token)
    if (
        opened is None
        or not opened[0].playable
        or track_id not in {item.track_id for item in opened[1].items}
    ):
        raise HTTPException(404, "there is no such recording")
    return recording(services, track_id)


async def _played(services: Services, found: Recording, request: Request, *, token: str) -> Response:
    """The recording unchanged if every browser plays it, and converted otherwise."""
    headers = {**_HEADERS, "Cache-Control": "private, no-store"}
    if not found.is_part and await run_in_threadpool(type_of, found) in COMMON:
        return await as_it_is(services, found, request, headers=headers)
    form = FORMS[UNIVERSAL]
    conversion = converted_to(found, form, form.kilobits(services.settings.transcoding.bit_rate))
    conversion = await converting(services, found, conversion)
    return await converted(services.transcoder, conversion, request, owner=token, headers=headers)


def _wanted(body: dict[str, Any]) -> dict[str, Any]:
    if not body.keys() >= {"kind", "key", "title"}:
        raise HTTPException(400, f"the body must be {_SHAPE}")
    kind, key, title = body["kind"], body["key"], body["title"]
    playable, days = body.get("playable", False), body.get("days")
    texts = all(isinstance(text, str) and 0 < len(text) <= 200 for text in (key, title))
    lasting = days is None or (type(days) is int and 0 < days <= LONGEST_DAYS)
    if not (kind in KINDS and texts and isinstance(playable, bool) and lasting):
        raise HTTPException(
            400, f"kind is one of {', '.join(KINDS)}; key and title are text; days is a number"
        )
    return {"kind": kind, "key": key, "title": title, "playable": playable, "days": days}


def _create(services: Services, links: ShareLinks, listener: Listener, wanted: dict[str, Any]) -> str:
    if listener.name is None:
        raise SharingError(marked("Sign up first: a link needs an account that can revoke it."))
    kind, key, days = wanted["kind"], wanted["key"], wanted["days"]
    try:
        content = shared(services.store, services.playlists, owner=listener.user_id, kind=kind, key=key)
    except ValueError:
        content = None
    if content is None:
        raise SharingError(marked("You have no such track, playlist or month to share."))
    return links.create(
        listener.user_id,
        kind,
        key,
        title=wanted["title"],
        playable=wanted["playable"],
        good_for=timedelta(days=days) if days else None,
    )
