"""The ids of the API: tracks have their own; albums, artists and generated playlists have a prefix."""

from __future__ import annotations

import base64
import binascii
from typing import Literal, NamedTuple

ALBUM, ARTIST, MADE = "al-", "ar-", "made-"
Kind = Literal["track", "album", "artist"]
_LONGEST = 1000


class Object(NamedTuple):
    """A track, album or artist."""

    kind: Kind
    key: str
    """Id of the track or album, or key of the artist."""


def album(album_id: str) -> str:
    """The id of an album."""
    return ALBUM + album_id


def artist(key: str) -> str:
    """The id of an artist: the key may have any letters."""
    return ARTIST + base64.urlsafe_b64encode(key.encode()).decode().rstrip("=")


def parse(text: str) -> Object:
    """The object of an id; an id of no known form is that of a track that does not exist."""
    if text.startswith(ALBUM):
        return Object("album", text.removeprefix(ALBUM))
    if text.startswith(ARTIST) and len(text) <= _LONGEST:
        encoded = text.removeprefix(ARTIST)
        try:
            key = base64.b64decode(
                encoded + "=" * (-len(encoded) % 4), altchars=b"-_", validate=True
            ).decode()
        except (binascii.Error, ValueError):
            key = ""
        return Object("artist", key)
    return Object("track", text[:_LONGEST])
