"""Endpoints of playlists: the listener's own, public and shared ones of others, and those of Segue."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from segue.catalog.full_tracks import FullTrack
from segue.dashboard.opensubsonic import finding, plan, shapes
from segue.dashboard.opensubsonic.call import Call, Content, Endpoint
from segue.dashboard.opensubsonic.failure import Code, ProtocolError, missing, not_found
from segue.people.accounts import name_key
from segue.playlists.playlist import Playlist, PlaylistError


def playlists(call: Call) -> Content:
    name = call.parameters.given("username")
    if name is not None and name_key(name) != name_key(call.caller.name):
        raise ProtocolError(Code.NOT_ALLOWED, "You can list your own playlists only.")
    own = list(_readable(call))
    made = [(one, one.tracks(call)) for one in plan.MADE]
    wanted = [
        *(track for one in own for track in one.tracks),
        *(track for _, tracks in made for track in tracks),
    ]
    known = call.server.tracks.full(wanted)
    listed = [
        plan.described(call, one, [known[track] for track in tracks if track in known])
        for one, tracks in made
    ]
    return {"playlists": {"playlist": [*listed, *(shapes.playlist(call, one, known) for one in own)]}}


def playlist(call: Call) -> Content:
    return {"playlist": _whole(call, call.parameters.text("id"))}


def _whole(call: Call, playlist_id: str) -> shapes.Shape:
    made = plan.made_playlist(playlist_id)
    if made is not None:
        tracks = call.server.tracks.in_order(made.tracks(call))
        return plan.described(call, made, tracks) | {"entry": shapes.songs(call, tracks)}
    found = _found(call, playlist_id)
    known = call.server.tracks.full(found.tracks)
    entries = [known[track] for track in found.tracks if track in known]
    return shapes.playlist(call, found, known) | {"entry": shapes.songs(call, entries)}


def create(call: Call) -> Content:
    parameters, writer = call.parameters, call.server.services.playlists
    tracks = [track.track_id for track in finding.in_order(call, parameters.filled("songId"))]
    playlist_id, name = parameters.given("playlistId"), parameters.given("name")
    try:
        if playlist_id is not None:
            found = _editable(call, playlist_id)
            writer.replace(found.owner, found.playlist_id, tracks)
            writer.describe(found.owner, found.playlist_id, name=name)
        elif name is not None:
            playlist_id = writer.create(call.user_id, name, tracks=tracks).playlist_id
        else:
            raise missing("name")
    except PlaylistError as error:
        raise ProtocolError(Code.GENERIC, str(error)) from None
    return {"playlist": _whole(call, playlist_id)}


def update(call: Call) -> Content:
    parameters, writer = call.parameters, call.server.services.playlists
    found = _editable(call, parameters.text("playlistId"))
    added = [track.track_id for track in finding.in_order(call, parameters.filled("songIdToAdd"))]
    without = _places(call, found, parameters.wholes("songIndexToRemove"))
    public = parameters.flag("public", found.public)
    if public != found.public and found.owner != call.user_id:
        raise ProtocolError(Code.NOT_ALLOWED, "Only the owner of a playlist can make it public.")
    try:
        if without or added:
            writer.edit(found.owner, found.playlist_id, without=without, added=added)
        writer.describe(
            found.owner,
            found.playlist_id,
            name=parameters.given("name"),
            comment=parameters.optional("comment"),
            public=public,
        )
    except PlaylistError as error:
        raise ProtocolError(Code.GENERIC, str(error)) from None
    return {}


def _places(call: Call, found: Playlist, shown: Sequence[int]) -> set[int]:
    """Places in the stored list, of places in the list that the app sees, which lacks songs that are gone."""
    known: dict[str, FullTrack] = call.server.tracks.full(found.tracks)
    visible = [place for place, track in enumerate(found.tracks) if track in known]
    if any(not 0 <= place < len(visible) for place in shown):
        raise not_found("place in the playlist")
    return {visible[place] for place in shown}


def delete(call: Call) -> Content:
    found = _stored(call, call.parameters.text("id"))
    if found.owner != call.user_id:
        raise ProtocolError(Code.NOT_ALLOWED, "Only the owner of a playlist can delete it.")
    call.server.services.playlists.delete(call.user_id, found.playlist_id)
    return {}


def readable_playlist(call: Call, playlist_id: str) -> Playlist | None:
    """The stored playlist of an id; None if there is none that the caller sees."""
    own = call.server.services.playlists.read(call.user_id, playlist_id)
    return own or next((one for one in _readable(call) if one.playlist_id == playlist_id), None)


def _found(call: Call, playlist_id: str) -> Playlist:
    found = readable_playlist(call, playlist_id)
    if found is None:
        raise not_found("playlist")
    return found


def _readable(call: Call) -> Iterator[Playlist]:
    """The listener's playlists, then those that they have joined, then the public ones of others."""
    reader = call.server.services.playlists
    yield from reader.of(call.user_id)
    joined = reader.joined(call.user_id)
    yield from joined
    known = {one.playlist_id for one in joined}
    yield from (one for one in reader.public(but=call.user_id) if one.playlist_id not in known)


def _stored(call: Call, playlist_id: str) -> Playlist:
    """The playlist of an id, which is none of those that Segue makes."""
    if plan.made_playlist(playlist_id) is not None:
        raise ProtocolError(Code.NOT_ALLOWED, "Segue makes this playlist: it cannot be changed.")
    return _found(call, playlist_id)


def _editable(call: Call, playlist_id: str) -> Playlist:
    found = _stored(call, playlist_id)
    if not found.may_edit(call.user_id):
        raise ProtocolError(Code.NOT_ALLOWED, "Only its owner and those who have joined can change it.")
    return found


ENDPOINTS: dict[str, Endpoint] = {
    "getPlaylists": playlists,
    "getPlaylist": playlist,
    "createPlaylist": create,
    "updatePlaylist": update,
    "deletePlaylist": delete,
}
