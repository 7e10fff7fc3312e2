"""Finds the objects that a call names."""

from __future__ import annotations

from collections.abc import Sequence

from segue.catalog.albums import Album
from segue.catalog.artists import Artist
from segue.catalog.full_tracks import FullTrack
from segue.dashboard.opensubsonic import ids
from segue.dashboard.opensubsonic.call import Call
from segue.dashboard.opensubsonic.failure import not_found

MOST = 500
"""The most entries of a list, as the protocol limits it."""


def track(call: Call, text: str) -> FullTrack:
    """The playable track of an id.

    Raises
    ------
    ProtocolError
        There is no such track.
    """
    kind, key = ids.parse(text)
    found = call.server.tracks.full([key]).get(key) if kind == "track" else None
    if found is None:
        raise not_found("song")
    return found


def album(call: Call, text: str) -> Album:
    """The album of an id.

    Raises
    ------
    ProtocolError
        There is no such album.
    """
    kind, key = ids.parse(text)
    found = call.server.albums.get(key) if kind == "album" else None
    if found is None:
        raise not_found("album")
    return found


def artist(call: Call, text: str) -> Artist:
    """The artist of an id.

    Raises
    ------
    ProtocolError
        There is no such artist.
    """
    kind, key = ids.parse(text)
    found = call.server.artists.get(key) if kind == "artist" else None
    if found is None:
        raise not_found("artist")
    return found


def library(call: Call) -> str | None:
    """The library that the parameter musicFolderId names; None for all.

    Raises
    ------
    ProtocolError
        There is no such library.
    """
    number = call.parameters.optional_whole("musicFolderId")
    if number is None:
        return None
    names = call.server.tracks.library_names()
    if not 1 <= number <= len(names):
        raise not_found("music folder")
    return names[number - 1]


def in_order(call: Call, texts: Sequence[str]) -> list[FullTrack]:
    """The playable tracks of ids, in their order.

    Raises
    ------
    ProtocolError
        A track does not exist.
    """
    keys = [ids.parse(text).key for text in texts]
    known = call.server.tracks.full(keys)
    if any(key not in known for key in keys):
        raise not_found("song")
    return [known[key] for key in keys]
