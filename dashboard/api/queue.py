"""The listener's queue: `PUT /api/queue` stores it, `GET /api/queue` returns it to another tab or device.

The web player shows and stores the songs around the present one; an app may have stored more.

A change names the version that the player has read. If another player has changed the queue since, the
response is 409 with the stored queue. Without `items`, only the place and the position change. `POST` does
the same as `PUT`, for `navigator.sendBeacon`, which has no other method.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from segue.dashboard.api.requests import json_body, refuse_cross_site, session_of
from segue.dashboard.queries.items import Attribution, Item, read_items
from segue.dashboard.services import Services
from segue.playlists.queues import QueuedTrack, Queues
from segue.plays.event import SOURCES
from segue.storage.store import Store

MOST_SHOWN = 500
"""Songs of a queue in the web player, which stores as many."""
_MOST_BEFORE = 30
"""Those before the present one, of a longer queue."""
_LARGEST = 256 * 1024
_SHAPE = '{"version": number, "player": text, "at": number, "position": milliseconds, "items": [...]}'
_LONGEST_TEXT = 256
_LARGEST_NUMBER = 2**53


def routes(services: Services) -> list[Route]:
    """See the module."""
    queues = Queues(services.store)

    async def read(request: Request) -> Response:
        listener, _ = await session_of(services, request)
        return await _stored(listener.user_id)

    async def keep(request: Request) -> Response:
        refuse_cross_site(request, services.settings.dashboard.base_url)
        listener, _ = await session_of(services, request)
        body = await json_body(request, limit=_LARGEST, shape=_SHAPE)
        tracks, place = _tracks(body["items"]) if "items" in body else None, _place(body)
        if tracks is not None and place["at"] >= max(1, len(tracks)):
            raise HTTPException(400, "at must be the place of one of the items")
        version = await run_in_threadpool(lambda: queues.keep(listener.user_id, tracks, **place))
        if version is None:
            return await _stored(listener.user_id, status=409)
        return JSONResponse({"version": version})

    async def _stored(user_id: str, *, status: int = 200) -> Response:
        found = await run_in_threadpool(_read, services.store, queues, user_id)
        return JSONResponse(found, status_code=status, headers={"Cache-Control": "no-store"})

    return [
        Route("/api/queue", read, methods=["GET"]),
        Route("/api/queue", keep, methods=["PUT", "POST"]),
    ]


def _read(store: Store, queues: Queues, user_id: str) -> dict[str, Any]:
    """The queue without songs that have left the library; without items if none is stored."""
    queue = queues.read(user_id)
    if queue is None:
        return {"items": [], "at": 0, "position": 0, "player": "", "changed_at": 0, "version": 0}
    first = max(0, min(queue.at - _MOST_BEFORE, len(queue.tracks) - MOST_SHOWN))
    shown = range(first, min(first + MOST_SHOWN, len(queue.tracks)))
    known = read_items(store, (queue.tracks[place]["track_id"] for place in shown), source="search")
    kept = [place for place in shown if queue.tracks[place]["track_id"] in known]
    items = [_item(known[queue.tracks[place]["track_id"]], queue.tracks[place]) for place in kept]
    return {
        "items": items,
        "at": max(0, min(sum(place < queue.at for place in kept), len(kept) - 1)),
        "position": queue.position_ms if queue.at in kept else 0,
        "player": queue.player,
        "changed_at": round(queue.changed_at.timestamp() * 1000),
        "version": queue.version,
    }


def _item(item: Item, track: QueuedTrack) -> dict[str, Any]:
    attribution = (
        Attribution(recommendation_id=track["recommendation_id"], rank=track["rank"], variant=track["model"])
        if track.keys() >= {"recommendation_id", "rank", "model"}
        else None
    )
    shown = replace(item, source=track["source"], attribution=attribution)
    return {**shown.data(), "key": track["key"], "queued": track["queued"]}


def _place(body: dict[str, Any]) -> dict[str, Any]:
    numbers = {name: body.get(name) for name in ("version", "at", "position")}
    if not (all(map(_is_number, numbers.values())) and _is_text(player := body.get("player"))):
        raise HTTPException(400, f"the body must be {_SHAPE}")
    return {
        "version": numbers["version"],
        "at": numbers["at"],
        "position_ms": numbers["position"],
        "player": player,
    }


def _tracks(items: object) -> list[QueuedTrack]:
    if not (isinstance(items, list) and len(items) <= MOST_SHOWN):
        raise HTTPException(400, f"items must be a list of at most {MOST_SHOWN} songs")
    return [_track(item) for item in items]


def _track(item: object) -> QueuedTrack:
    if not (isinstance(item, dict) and _is_text(item.get("id")) and _is_text(item.get("key"))):
        raise HTTPException(400, "an item has an id and a key")
    if item.get("source") not in SOURCES:
        raise HTTPException(400, f"the source of an item is one of {', '.join(SOURCES)}")
    track = QueuedTrack(
        key=item["key"], track_id=item["id"], source=item["source"], queued=item.get("queued") is True
    )
    match item.get("rec"):
        case {"id": name, "rank": rank, "model": model} if (
            _is_text(name) and _is_text(model) and _is_number(rank)
        ):
            track |= {"recommendation_id": name, "rank": rank, "model": model}
    return track


def _is_text(value: object) -> bool:
    return isinstance(value, str) and 0 < len(value) <= _LONGEST_TEXT


def _is_number(value: object) -> bool:
    return type(value) is int and 0 <= value <= _LARGEST_NUMBER
