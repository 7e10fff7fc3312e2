"""The songs that an account of another server has played, by the times that the server keeps.

Servers keep the time of the last play of a song and of an album. So of several plays of a song between two
looks, the last one is known.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from segue.connected.client import OpenSubsonic
from segue.connected.faults import NoSuchThing
from segue.connected.remote_songs import RemoteSong, identifier, in_seconds, moment_of, song_of

_ALBUMS = 20
"""Recently played albums that are looked at."""
_AHEAD = timedelta(minutes=5)
"""A play that is later than now by more than this has a wrong time."""


@dataclass(frozen=True, kw_only=True)
class Played:
    """A song, and when it was last played."""

    song: RemoteSong
    at: datetime


def played_since(client: OpenSubsonic, since: datetime) -> list[Played]:
    """The songs that were played after a time, each once, in the order of their plays.

    Raises
    ------
    ServerFault
        The server is away, or has no list of recently played albums.
    """
    found = client.call("getAlbumList2", {"type": "recent", "size": _ALBUMS}).get("albumList2")
    until = datetime.now(UTC) + _AHEAD
    songs, times = dict[str, RemoteSong](), dict[str, datetime]()
    for album in _entries(found, "album")[:_ALBUMS]:
        at, own = moment_of(album.get("played")), identifier(album.get("id"))
        if not own or at is None or at <= since:
            continue
        try:
            described = client.call("getAlbum", {"id": own}).get("album")
        except NoSuchThing:
            continue
        for entry in _entries(described, "song"):
            played, song = moment_of(entry.get("played")), song_of(entry)
            if song is not None and played is not None and since < played <= until:
                songs[song.song_id], times[song.song_id] = song, played
    plays = [Played(song=song, at=times[song.song_id]) for song in in_seconds(list(songs.values()))]
    return sorted(plays, key=lambda one: one.at)


def _entries(found: object, name: str) -> list[Mapping[str, Any]]:
    entries = found.get(name) if isinstance(found, dict) else None
    entries = entries if isinstance(entries, list) else [entries]
    return [entry for entry in entries if isinstance(entry, dict)]
