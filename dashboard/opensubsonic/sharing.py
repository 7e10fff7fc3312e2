"""Endpoints of share links.

A link shares one song or one playlist. The database keeps only the hash of its address, so `url` opens the
page only in the answer that creates the link; later it is that of Segue.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from segue.dashboard.opensubsonic import ids, plan, shapes
from segue.dashboard.opensubsonic.call import Call, Content, Endpoint
from segue.dashboard.opensubsonic.failure import Code, ProtocolError, invalid, missing, not_found
from segue.social.links import Kind, Link, SharingError


def shares(call: Call) -> Content:
    links = [link for link in call.server.services.links.of(call.user_id) if link.kind != "month"]
    return {"shares": {"share": [_share(call, link) for link in links]}}


def create(call: Call) -> Content:
    texts = call.parameters.texts("id")
    if not texts:
        raise missing("id")
    if len(texts) > 1:
        raise ProtocolError(
            Code.GENERIC, "A link shares one song or one playlist: save the songs as a playlist first."
        )
    kind, key, title = _shared(call, texts[0])
    links = call.server.services.links
    try:
        token = links.create(
            call.user_id,
            kind,
            key,
            title=(call.parameters.optional("description") or title)[:200],
            playable=True,
            good_for=_good_for(call),
        )
    except SharingError as error:
        raise ProtocolError(Code.GENERIC, str(error)) from None
    link = links.open(token)
    if link is None:
        raise not_found("share")
    return {"shares": {"share": [_share(call, link) | {"url": f"{_address(call)}/s/{token}"}]}}


def update(call: Call) -> Content:
    """The description and the date of a link cannot be changed: its page shows what its owner agreed to."""
    _own(call)
    raise ProtocolError(Code.NOT_ALLOWED, "A link cannot be changed: delete it and create another.")


def delete(call: Call) -> Content:
    call.server.services.links.revoke(call.user_id, _own(call).link_id)
    return {}


def _own(call: Call) -> Link:
    link_id = call.parameters.text("id")
    found = next((one for one in call.server.services.links.of(call.user_id) if one.link_id == link_id), None)
    if found is None:
        raise not_found("share")
    return found


def _shared(call: Call, text: str) -> tuple[Kind, str, str]:
    """The kind, the key and the title of what is shared."""
    if text.startswith((ids.ALBUM, ids.ARTIST)) or plan.made_playlist(text):
        raise ProtocolError(
            Code.GENERIC, "A link shares one song or one playlist: save the songs as a playlist first."
        )
    if (track := call.server.tracks.full([text]).get(text)) is not None:
        return "track", text, track.summary.title
    playlist = call.server.services.playlists.read(call.user_id, text)
    if playlist is None:
        raise not_found("song or playlist")
    return "playlist", text, playlist.name


def _good_for(call: Call) -> timedelta | None:
    expires = call.parameters.optional_whole("expires")
    if not expires:
        return None
    left = expires / 1000 - datetime.now(UTC).timestamp()
    if not 0 < left < 3650 * 86_400:
        raise invalid("expires", "it must be a time within the next ten years, in milliseconds since 1970")
    return timedelta(seconds=left)


def _share(call: Call, link: Link) -> shapes.Shape:
    track_ids: Sequence[str] = [link.key]
    if link.kind == "playlist":
        playlist = call.server.services.playlists.read(call.user_id, link.key)
        track_ids = playlist.tracks if playlist else ()
    expires = {"expires": link.expires_at} if link.expires_at else {}
    return {
        "id": link.link_id,
        "url": _address(call),
        "description": link.title,
        "username": call.caller.name,
        "created": link.created_at,
        **expires,
        "visitCount": link.opened,
        "entry": shapes.songs(call, call.server.tracks.in_order(list(track_ids))),
    }


def _address(call: Call) -> str:
    return (call.server.settings.dashboard.base_url or str(call.request.base_url)).rstrip("/")


ENDPOINTS: dict[str, Endpoint] = {
    "getShares": shares,
    "createShare": create,
    "updateShare": update,
    "deleteShare": delete,
}
