"""Endpoints of bookmarks."""

from __future__ import annotations

from segue.dashboard.opensubsonic import finding, ids, shapes
from segue.dashboard.opensubsonic.call import Call, Content, Endpoint
from segue.dashboard.opensubsonic.failure import Code, ProtocolError, missing
from segue.playlists.bookmarks import BookmarkError


def bookmarks(call: Call) -> Content:
    stored = call.server.bookmarks.of(call.user_id)
    known = call.server.tracks.full(one["track_id"] for one in stored)
    shown = [one for one in stored if one["track_id"] in known]
    songs = shapes.songs(call, [known[one["track_id"]] for one in shown])
    return {
        "bookmarks": {
            "bookmark": [
                {
                    "position": one["position_ms"],
                    "username": call.caller.name,
                    "comment": one["comment"],
                    "created": one["created_at"],
                    "changed": one["changed_at"],
                    "entry": song,
                }
                for one, song in zip(shown, songs, strict=True)
            ]
        }
    }


def create(call: Call) -> Content:
    track = finding.track(call, call.parameters.text("id"))
    if call.parameters.optional_whole("position") is None:
        raise missing("position")
    try:
        call.server.bookmarks.put(
            call.user_id,
            track.track_id,
            position_ms=call.parameters.whole("position", 0),
            comment=call.parameters.optional("comment") or "",
        )
    except BookmarkError as error:
        raise ProtocolError(Code.GENERIC, str(error)) from None
    return {}


def delete(call: Call) -> Content:
    call.server.bookmarks.remove(call.user_id, ids.parse(call.parameters.text("id")).key)
    return {}


ENDPOINTS: dict[str, Endpoint] = {
    "getBookmarks": bookmarks,
    "createBookmark": create,
    "deleteBookmark": delete,
}
