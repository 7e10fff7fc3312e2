"""Playlists in MongoDB: each belongs to one listener, and every look and every change names that listener.

A document of `playlists`: _id, owner (user id), name, tracks [track id], created_at, changed_at.

Delivery: a change is one atomic update of one document, guarded by its owner. Adding twice adds twice, as
a listener who presses twice expects; removing and moving name the track beside its place, so that a repeated
or belated change does nothing rather than the wrong thing.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from pymongo.database import Database

from segue.errors import SegueError
from segue.storage.mongo import Document

MOST_PLAYLISTS = 200
"""Of one listener."""
MOST_TRACKS = 2000
"""In one playlist."""
LONGEST_NAME = 100


class PlaylistError(SegueError):
    """A change that cannot be made; the text says why, to the listener."""


@dataclass(frozen=True, kw_only=True)
class Playlist:
    """A playlist as it was when it was read."""

    playlist_id: str
    name: str
    tracks: tuple[str, ...]
    changed_at: datetime


class Playlists:
    """Safe for use by several threads and processes."""

    def __init__(self, database: Database[Document]) -> None:
        self._playlists = database.playlists
        self._playlists.create_index([("owner", 1), ("changed_at", -1)])

    def of(self, owner: str) -> list[Playlist]:
        """A listener's playlists, the one changed last first."""
        found = self._playlists.find({"owner": owner}).sort("changed_at", -1).limit(MOST_PLAYLISTS)
        return [_playlist(one) for one in found]

    def read(self, owner: str, playlist_id: str) -> Playlist | None:
        """A listener's playlist; None where there is none of that id, or it is another's."""
        found = self._playlists.find_one(_own(owner, playlist_id))
        return _playlist(found) if found else None

    def create(self, owner: str, name: str, *, tracks: Sequence[str] = ()) -> Playlist:
        """Make a new one.

        Raises
        ------
        PlaylistError
            The name is empty or too long, or there are too many playlists or tracks.
        """
        if self._playlists.count_documents({"owner": owner}, limit=MOST_PLAYLISTS) >= MOST_PLAYLISTS:
            raise PlaylistError(f"You have {MOST_PLAYLISTS} playlists: delete one to make another.")
        if len(tracks) > MOST_TRACKS:
            raise PlaylistError(_FULL)
        now = datetime.now(UTC)
        document = {
            "_id": secrets.token_hex(12),
            "owner": owner,
            "name": _named(name),
            "tracks": list(tracks),
            "created_at": now,
            "changed_at": now,
        }
        self._playlists.insert_one(document)
        return _playlist(document)

    def rename(self, owner: str, playlist_id: str, name: str) -> None:
        """Give it another name.

        Raises
        ------
        PlaylistError
            The name is empty or too long, or the listener has no such playlist.
        """
        self._change(owner, playlist_id, {"$set": {"name": _named(name)}})

    def delete(self, owner: str, playlist_id: str) -> None:
        """Remove a playlist; nothing happens where there is none, or it is another's."""
        self._playlists.delete_one(_own(owner, playlist_id))

    def add(self, owner: str, playlist_id: str, tracks: Sequence[str]) -> None:
        """Put tracks at its end.

        Raises
        ------
        PlaylistError
            It would be too long, or the listener has no such playlist.
        """
        full = {f"tracks.{MOST_TRACKS - len(tracks)}": {"$exists": False}}
        if len(tracks) > MOST_TRACKS or not self._try(
            {**_own(owner, playlist_id), **full}, {"$push": {"tracks": {"$each": list(tracks)}}}
        ):
            raise PlaylistError(_NONE if self.read(owner, playlist_id) is None else _FULL)

    def remove(self, owner: str, playlist_id: str, *, place: int, track_id: str) -> None:
        """Take out the track at a place, from 0; nothing happens when another stands there by now."""
        self._arrange(owner, playlist_id, place=place, track_id=track_id, to=None)

    def move(self, owner: str, playlist_id: str, *, place: int, track_id: str, to: int) -> None:
        """Move the track at a place to another; nothing happens when another stands there by now."""
        self._arrange(owner, playlist_id, place=place, track_id=track_id, to=to)

    def _arrange(self, owner: str, playlist_id: str, *, place: int, track_id: str, to: int | None) -> None:
        found = self.read(owner, playlist_id)
        if found is None or not 0 <= place < len(found.tracks) or found.tracks[place] != track_id:
            return
        tracks = [*found.tracks[:place], *found.tracks[place + 1 :]]
        if to is not None:
            tracks.insert(max(0, min(to, len(tracks))), track_id)
        # Only over what was read: a change made meanwhile in another tab is not lost.
        self._try({**_own(owner, playlist_id), "tracks": list(found.tracks)}, {"$set": {"tracks": tracks}})

    def _change(self, owner: str, playlist_id: str, change: Document) -> None:
        if not self._try(_own(owner, playlist_id), change):
            raise PlaylistError(_NONE)

    def _try(self, wanted: Document, change: Document) -> bool:
        stamped = {**change, "$set": {**change.get("$set", {}), "changed_at": datetime.now(UTC)}}
        return self._playlists.update_one(wanted, stamped).matched_count == 1


_NONE = "There is no such playlist any more."
_FULL = f"A playlist holds {MOST_TRACKS} songs at most."


def _own(owner: str, playlist_id: str) -> Document:
    return {"_id": playlist_id, "owner": owner}


def _named(name: str) -> str:
    found = "".join(c for c in " ".join(name.split()) if c.isprintable()).strip()
    if not found:
        raise PlaylistError("A playlist needs a name.")
    if len(found) > LONGEST_NAME:
        raise PlaylistError(f"A name has at most {LONGEST_NAME} characters.")
    return found


def _playlist(document: dict[str, Any]) -> Playlist:
    return Playlist(
        playlist_id=document["_id"],
        name=document["name"],
        tracks=tuple(document["tracks"]),
        changed_at=document["changed_at"],
    )
