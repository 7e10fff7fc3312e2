"""The songs that an account of another server has played, by the times that the server keeps.

Servers keep the time of the last play of a song and of an album. So of several plays of a song between two
looks, the last one is known.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from segue.connected.client import OpenSubsonic
from segue.connected.faults import NoSuchThing
from segue.connected.remote_songs import identifier, moment_of

_ALBUMS = 20
"""Recently played albums that are looked at."""
_AHEAD = timedelta(minutes=5)
"""A play that is later than now by more than this has a wrong time."""


def played_since(client: OpenSubsonic, since: datetime) -> dict[str, datetime]:
    """When songs were last played, by their ids, for those that were played after a time.

    Raises
    ------
    ServerFault
        The server is away, or has no list of recently played albums.
    """
    found = client.call("getAlbumList2", {"type": "recent", "size": _ALBUMS}).get("albumList2")
    until = datetime.now(UTC) + _AHEAD
    plays: dict[str, datetime] = {}
    for album in _entries(found, "album")[:_ALBUMS]:
        at, own = moment_of(album.get("played")), identifier(album.get("id"))
        if not own or at is None or at <= since:
            continue
        try:
            songs = client.call("getAlbum", {"id": own}).get("album")
        except NoSuchThing:
            continue
        for song in _entries(songs, "song"):
            played, song_id = moment_of(song.get("played")), identifier(song.get("id"))
            if song_id and played is not None and since < played <= until:
                plays[song_id] = played
    return plays


def _entries(found: object, name: str) -> list[Mapping[str, Any]]:
    entries = found.get(name) if isinstance(found, dict) else None
    entries = entries if isinstance(entries, list) else [entries]
    return [entry for entry in entries if isinstance(entry, dict)]
