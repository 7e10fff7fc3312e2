"""Endpoints of share links.

A link shares one playlist, one album, or songs. The database keeps only the hash of its address, so `url`
opens the page only in the answer that creates the link; later it is that of Segue.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from segue.catalog.full_tracks import FullTrack
from segue.counted import counted
from segue.dashboard.opensubsonic import finding, ids, plan, shapes
from segue.dashboard.opensubsonic.call import Call, Content, Endpoint
from segue.dashboard.opensubsonic.failure import Code, ProtocolError, invalid, missing, not_found
from segue.social.links import Kind, Link, SharingError

_MOST_SONGS = 200
_LONGEST_TITLE = 200


def shares(call: Call) -> Content:
    links = [link for link in call.server.services.links.of(call.user_id) if link.kind != "month"]
    return {"shares": {"share": [_share(call, link) for link in links]}}


def create(call: Call) -> Content:
    texts = call.parameters.filled("id")
    if not texts:
        raise missing("id")
    kind, key, title = _songs(call, texts) if len(texts) > 1 else _shared(call, texts[0])
    links = call.server.services.links
    try:
        token = links.create(
            call.user_id,
            kind,
            key,
            title=_title(call.parameters.given("description")) or title,
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
    call.server.services.links.change(
        call.user_id,
        _own(call).link_id,
        title=_title(call.parameters.given("description")),
        good_for=_good_for(call),
    )
    return {}


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
    """The kind, the key and the title of the shared item."""
    if text.startswith(ids.ARTIST) or plan.made_playlist(text):
        raise ProtocolError(
            Code.GENERIC, "A link shares a playlist, an album or songs: save these songs as a playlist first."
        )
    if text.startswith(ids.ALBUM):
        album = finding.album(call, text)
        return "album", album["_id"], album["name"]
    if (track := call.server.tracks.full([text]).get(text)) is not None:
        return "track", text, track.summary.title
    playlist = call.server.services.playlists.read(call.user_id, text)
    if playlist is None:
        raise not_found("song or playlist")
    return "playlist", text, playlist.name


def _songs(call: Call, texts: Sequence[str]) -> tuple[Kind, str, str]:
    if len(texts) > _MOST_SONGS:
        raise _too_many()
    tracks = [track for text in texts for track in _songs_of(call, text)]
    if len(tracks) > _MOST_SONGS:
        raise _too_many()
    return "songs", " ".join(track.track_id for track in tracks), counted(len(tracks), "song")


def _songs_of(call: Call, text: str) -> list[FullTrack]:
    """The songs of an album, or a song."""
    if text.startswith(ids.ALBUM):
        return call.server.tracks.all_on_album(finding.album(call, text)["_id"])
    return [finding.track(call, text)]


def _too_many() -> ProtocolError:
    return ProtocolError(
        Code.GENERIC, f"A link shares {_MOST_SONGS} songs at most: save the songs as a playlist first."
    )


def _title(description: str | None) -> str | None:
    return description[:_LONGEST_TITLE] if description else None


def _good_for(call: Call) -> timedelta | None:
    expires = call.parameters.optional_whole("expires")
    if not expires:
        return None
    left = expires / 1000 - datetime.now(UTC).timestamp()
    if not 0 < left < 3650 * 86_400:
        raise invalid("expires", "it must be a time within the next ten years, in milliseconds since 1970")
    return timedelta(seconds=left)


def _share(call: Call, link: Link) -> shapes.Shape:
    tracks = call.server.tracks
    if link.kind == "album":
        entries = tracks.all_on_album(link.key)
    elif link.kind == "playlist":
        playlist = call.server.services.playlists.read(call.user_id, link.key)
        entries = tracks.in_order(playlist.tracks if playlist else ())
    else:
        entries = tracks.in_order(link.key.split())
    expires = {"expires": link.expires_at} if link.expires_at else {}
    return {
        "id": link.link_id,
        "url": _address(call),
        "description": link.title,
        "username": call.caller.name,
        "created": link.created_at,
        **expires,
        "visitCount": link.opened,
        "entry": shapes.songs(call, entries),
    }


def _address(call: Call) -> str:
    return (call.server.settings.dashboard.base_url or str(call.request.base_url)).rstrip("/")


ENDPOINTS: dict[str, Endpoint] = {
    "getShares": shares,
    "createShare": create,
    "updateShare": update,
    "deleteShare": delete,
}
