"""Finds the objects that a call names."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from segue.catalog.albums import Album
from segue.catalog.artists import Artist
from segue.catalog.full_tracks import FullTrack
from segue.dashboard.opensubsonic import ids
from segue.dashboard.opensubsonic.call import Call
from segue.dashboard.opensubsonic.failure import not_found

MOST = 500
"""The most entries of a list, as the protocol limits it."""
_ALL = -1
_T = TypeVar("_T")


def track(call: Call, text: str) -> FullTrack:
    """The playable track of an id.

    Raises
    ------
    ProtocolError
        There is no such track.
    """
    return _one(text, "track", lambda key: call.server.tracks.full([key]).get(key), word="song")


def album(call: Call, text: str) -> Album:
    """The album of an id.

    Raises
    ------
    ProtocolError
        There is no such album.
    """
    return _one(text, "album", call.server.albums.get)


def artist(call: Call, text: str) -> Artist:
    """The artist of an id.

    Raises
    ------
    ProtocolError
        There is no such artist.
    """
    return _one(text, "artist", call.server.artists.get)


def _one(text: str, kind: ids.Kind, read: Callable[[str], _T | None], *, word: str = "") -> _T:
    named, key = ids.parse(text)
    found = read(key) if named == kind else None
    if found is None:
        raise not_found(word or kind)
    return found


def library(call: Call) -> str | None:
    """The library that the parameter musicFolderId names; None for all, which some apps write as -1.

    Raises
    ------
    ProtocolError
        There is no such library.
    """
    number = call.parameters.optional_whole("musicFolderId")
    return None if number in (None, _ALL) else library_of(call, number)


def library_of(call: Call, number: int | None) -> str:
    """The library of a number.

    Raises
    ------
    ProtocolError
        There is no such library.
    """
    names = call.server.tracks.library_names()
    if number is None or not 1 <= number <= len(names):
        raise not_found("music folder")
    return names[number - 1]


def is_in(artist: Artist, library: str) -> bool:
    """Whether a library has songs of an artist."""
    return any(share["library"] == library for share in artist.get("libraries", ()))


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
