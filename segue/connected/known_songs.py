"""Which track a song of another server is: the collection `connected_songs`.

Delivery: one document for each song, written by its id; every change may be repeated.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TypedDict

from segue.connected.remote_songs import RemoteSong
from segue.storage.mongo import upsert
from segue.storage.store import Collection, Index, Job, Policy, Right


class ConnectedSong(TypedDict):
    """A document of `connected_songs`."""

    _id: str
    """"<name of the server>/<id of the song there>"."""
    connection: str
    """Name of the server."""
    song: str
    """Id of the song there."""
    track_id: str
    """The track that it is."""
    own: bool
    """Whether the track is there for this song; otherwise it is one with a file of ours."""
    digest: str
    """Digest of the song's facts."""
    title: str
    """Title."""
    artist: str
    """Artist."""
    album: str | None
    """Album."""
    seconds: float | None
    """Length."""
    path: str
    """Path of its file on the server."""
    recording: str | None
    """MusicBrainz id of the recording."""
    cover: str | None
    """The server's id of its picture."""


@dataclass(frozen=True, kw_only=True)
class Known:
    """A song of a server whose track is known."""

    song: RemoteSong
    """With the facts by which it is recognised."""
    track_id: str
    own: bool
    digest: str


class ConnectedSongs(Collection[ConnectedSong]):
    """The songs of all connected servers."""

    name = "connected_songs"
    policy = Policy(
        access={
            Job.CATALOGUE: Right.WRITE | Right.INDEX,
            Job.DASHBOARD: Right.READ,
            Job.OPERATOR: Right.WRITE,
        },
    )
    indexes = (Index.on("connection"), Index.on("track_id"))

    def of(self, connection: str) -> dict[str, Known]:
        """The known songs of a server by their ids there."""
        found = self.documents.find({"connection": connection}, batch_size=5000)
        return {one["song"]: _known(one) for one in found}

    def write(self, connection: str, songs: Iterable[Known]) -> None:
        """Store songs."""
        upsert(self.documents, (_document(connection, known) for known in songs))

    def remove(self, connection: str, song_ids: Iterable[str]) -> None:
        """Remove songs that the server does not have any more."""
        ids = [_id(connection, song_id) for song_id in song_ids]
        self.documents.delete_many({"_id": {"$in": ids}})

    def remove_all(self, connection: str) -> None:
        """Remove all songs of a server."""
        self.documents.delete_many({"connection": connection})

    def tracks(self, connection: str, song_ids: Iterable[str]) -> dict[str, str]:
        """The tracks of those of the songs that are known, by the songs' ids."""
        ids = [_id(connection, song_id) for song_id in song_ids]
        found = self.documents.find({"_id": {"$in": ids}}, {"song": 1, "track_id": 1})
        return {one["song"]: one["track_id"] for one in found}

    def known(self, connection: str, song_ids: Iterable[str]) -> dict[str, Known]:
        """Those of the songs that are known, by their ids there."""
        found = self.documents.find({"_id": {"$in": [_id(connection, song_id) for song_id in song_ids]}})
        return {one["song"]: _known(one) for one in found}

    def songs(self, connection: str, track_ids: Iterable[str]) -> dict[str, str]:
        """The songs of a server for those of the tracks that it has, by the tracks' ids."""
        wanted = {"connection": connection, "track_id": {"$in": list(track_ids)}}
        found = self.documents.find(wanted, {"song": 1, "track_id": 1}).sort("_id")
        songs: dict[str, str] = {}
        for one in found:
            songs.setdefault(one["track_id"], one["song"])
        return songs


def _id(connection: str, song_id: str) -> str:
    return f"{connection}/{song_id}"


def _document(connection: str, known: Known) -> ConnectedSong:
    song = known.song
    return {
        "_id": _id(connection, song.song_id),
        "connection": connection,
        "song": song.song_id,
        "track_id": known.track_id,
        "own": known.own,
        "digest": known.digest,
        "title": song.title,
        "artist": song.artist,
        "album": song.album,
        "seconds": song.seconds,
        "path": song.path,
        "recording": song.recording,
        "cover": song.cover,
    }


def _known(one: ConnectedSong) -> Known:
    song = RemoteSong(
        song_id=one["song"],
        title=one["title"],
        artist=one["artist"],
        album=one["album"],
        seconds=one["seconds"],
        path=one["path"],
        recording=one["recording"],
        cover=one["cover"],
    )
    return Known(song=song, track_id=one["track_id"], own=one["own"], digest=one["digest"])
