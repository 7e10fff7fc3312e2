"""Playlists in MongoDB: each belongs to one listener, and every read and change names that listener.

Delivery: a change is one atomic update of one document, guarded by its owner. Adding twice adds twice, as
a listener who presses twice expects. Removing and moving name the track and its place, so that a repeated
or late change does nothing.
"""

from __future__ import annotations

import secrets
from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import NotRequired, TypedDict

from segue.errors import SegueError
from segue.phrases import marked, phrase
from segue.storage.mongo import ASCENDING, DESCENDING, Document
from segue.storage.store import Collection, Index, Job, Personal, Policy, Right

MOST_PLAYLISTS = 200
"""The most playlists of one listener."""
MOST_TRACKS = 2000
"""The most songs in one playlist."""
LONGEST_NAME = 100
_ATTEMPTS = 5
_SHOWN = dict.fromkeys(("owner", "name", "tracks", "created_at", "changed_at", "collaborators", "asked"), 1)
"""The fields of a :class:`Playlist`."""


class PlaylistError(SegueError):
    """A change is not possible; the message tells the listener the reason."""


@dataclass(frozen=True, kw_only=True)
class Playlist:
    """A playlist at the time when it was read."""

    playlist_id: str
    owner: str
    """The owner's user id."""
    name: str
    tracks: tuple[str, ...]
    changed_at: datetime
    collaborators: tuple[str, ...] = ()
    """Listeners who have joined."""
    asked: tuple[str, ...] = ()
    """Listeners who are asked to join."""
    created_at: datetime | None = None

    def may_edit(self, user_id: str) -> bool:
        """Whether a listener may change it: its owner, or a listener who has joined."""
        return user_id == self.owner or user_id in self.collaborators


class StoredPlaylist(TypedDict):
    """A stored playlist."""

    _id: str
    """The playlist's id."""
    owner: str
    """Id of the listener who owns it."""
    name: str
    """Name of the playlist."""
    tracks: list[str]
    """Track ids in order."""
    created_at: NotRequired[datetime]
    """When it was created."""
    changed_at: datetime
    """When it was last changed."""
    collaborators: NotRequired[list[str]]
    """Ids of the listeners who may change it."""
    asked: NotRequired[list[str]]
    """Ids of the listeners who are invited to change it."""


class Playlists(Collection[StoredPlaylist]):
    """All playlists. Safe for use by several threads and processes."""

    name = "playlists"
    policy = Policy(
        personal=Personal(owner=("owner",), members=("collaborators", "asked")),
        access={
            Job.DASHBOARD: Right.WRITE | Right.INDEX,
            Job.OPERATOR: Right.WRITE,
            Job.CATALOGUE: Right.READ,  # library forget counts those that it affects
        },
    )
    indexes = (
        Index(keys=[("owner", ASCENDING), ("changed_at", DESCENDING)]),
        Index.on("collaborators"),
        Index.on("asked"),
        Index.on("tracks"),
    )

    def of(self, owner: str) -> list[Playlist]:
        """A listener's playlists, the last changed first."""
        documents = self.documents.find({"owner": owner}, _SHOWN).sort("changed_at", DESCENDING)
        return [_playlist(document) for document in documents.limit(MOST_PLAYLISTS)]

    def read(self, owner: str, playlist_id: str) -> Playlist | None:
        """A listener's playlist; None if the listener has none with that id."""
        document = self.documents.find_one(_own(owner, playlist_id), _SHOWN)
        return _playlist(document) if document else None

    def count_with(self, track_ids: Iterable[str]) -> int:
        """The number of playlists, of all listeners, with at least one of these tracks."""
        return self.documents.count_documents({"tracks": {"$in": list(track_ids)}})

    def create(self, owner: str, name: str, *, tracks: Sequence[str] = ()) -> Playlist:
        """Create a playlist.

        Raises
        ------
        PlaylistError
            The name is empty or too long, or there are too many playlists or tracks.
        """
        if self.documents.count_documents({"owner": owner}, limit=MOST_PLAYLISTS) >= MOST_PLAYLISTS:
            raise PlaylistError(
                phrase("You have {most} playlists: delete one to make another.", most=MOST_PLAYLISTS)
            )
        if len(tracks) > MOST_TRACKS:
            raise PlaylistError(_FULL)
        now = datetime.now(UTC)
        document: StoredPlaylist = {
            "_id": secrets.token_hex(12),
            "owner": owner,
            "name": _named(name),
            "tracks": list(tracks),
            "created_at": now,
            "changed_at": now,
        }
        self.documents.insert_one(document)
        return _playlist(document)

    def rename(self, owner: str, playlist_id: str, name: str) -> None:
        """Rename a playlist.

        Raises
        ------
        PlaylistError
            The name is empty or too long, or the listener has no such playlist.
        """
        self._change(owner, playlist_id, {"$set": {"name": _named(name)}})

    def delete(self, owner: str, playlist_id: str) -> None:
        """Remove a playlist; nothing happens if the listener has none with that id."""
        self.documents.delete_one(_own(owner, playlist_id))

    def add(self, owner: str, playlist_id: str, tracks: Sequence[str]) -> None:
        """Append tracks.

        Raises
        ------
        PlaylistError
            The playlist would be too long, or the listener has no such playlist.
        """
        full = {f"tracks.{MOST_TRACKS - len(tracks)}": {"$exists": False}}
        if len(tracks) > MOST_TRACKS or not self._try(
            {**_own(owner, playlist_id), "tracks": {"$type": "array"}, **full},
            {"$push": {"tracks": {"$each": list(tracks)}}},
        ):
            raise PlaylistError(_NONE if self.read(owner, playlist_id) is None else _FULL)

    def replace(self, owner: str, playlist_id: str, tracks: Sequence[str]) -> None:
        """Replace the tracks.

        Raises
        ------
        PlaylistError
            There are too many tracks, or the listener has no such playlist.
        """
        if len(tracks) > MOST_TRACKS:
            raise PlaylistError(_FULL)
        self._change(owner, playlist_id, {"$set": {"tracks": list(tracks)}})

    def edit(self, owner: str, playlist_id: str, *, without: Container[int], added: Sequence[str]) -> None:
        """Remove the tracks at some places, from 0, then append others; both or neither.

        Raises
        ------
        PlaylistError
            There would be too many tracks, the listener has no such playlist, or it changed meanwhile.
        """
        for _ in range(_ATTEMPTS):
            before = self.read(owner, playlist_id)
            if before is None:
                raise PlaylistError(_NONE)
            kept = [track for place, track in enumerate(before.tracks) if place not in without]
            if len(kept) + len(added) > MOST_TRACKS:
                raise PlaylistError(_FULL)
            # Guarded by the list that was read, so that no concurrent change is lost.
            own = {**_own(owner, playlist_id), "tracks": list(before.tracks)}
            if self._try(own, {"$set": {"tracks": [*kept, *added]}}):
                return
        raise PlaylistError(marked("The playlist was changed elsewhere at the same time: try again."))

    def remove(self, owner: str, playlist_id: str, *, place: int, track_id: str) -> None:
        """Remove the track at a place, from 0; nothing happens if another track is there by now."""
        self._arrange(owner, playlist_id, place=place, track_id=track_id, to=None)

    def move(self, owner: str, playlist_id: str, *, place: int, track_id: str, to: int) -> None:
        """Move the track at a place to another; nothing happens if another track is there by now."""
        self._arrange(owner, playlist_id, place=place, track_id=track_id, to=to)

    def ask_to_join(self, owner: str, playlist_id: str, user_id: str) -> None:
        """Ask another listener to edit the owner's playlist; nothing happens if there is no such playlist."""
        wanted = {**_own(owner, playlist_id), **_list_or_missing("asked")}
        self.documents.update_one(wanted, {"$addToSet": {"asked": user_id}})

    def asking(self, user_id: str) -> list[Playlist]:
        """The playlists that a listener is asked to join, by name."""
        return [
            _playlist(document)
            for document in self.documents.find({"asked": user_id}, _SHOWN).sort("name", ASCENDING)
        ]

    def joined(self, user_id: str) -> list[Playlist]:
        """The playlists of others that a listener may edit, by name."""
        documents = self.documents.find({"collaborators": user_id}, _SHOWN).sort("name", ASCENDING)
        return [_playlist(document) for document in documents]

    def join(self, user_id: str, playlist_id: str) -> bool:
        """Accept the request to edit a playlist; False for a listener who was not asked."""
        change = {"$pull": {"asked": user_id}, "$addToSet": {"collaborators": user_id}}
        wanted = {"_id": playlist_id, "asked": user_id, **_list_or_missing("collaborators")}
        return bool(self.documents.update_one(wanted, change).matched_count)

    def leave(self, playlist_id: str, user_id: str, *, by: str) -> bool:
        """Remove a listener, joined or asked; False if `by` is neither this listener nor the owner."""
        wanted = {"_id": playlist_id} if by == user_id else _own(by, playlist_id)
        lists = [
            name
            for name in ("collaborators", "asked")
            if self.documents.update_one(
                {**wanted, **_list_or_missing(name)}, {"$pull": {name: user_id}}
            ).matched_count
        ]
        return bool(lists)

    def _arrange(self, owner: str, playlist_id: str, *, place: int, track_id: str, to: int | None) -> None:
        before = self.read(owner, playlist_id)
        if before is None or not 0 <= place < len(before.tracks) or before.tracks[place] != track_id:
            return
        tracks = [*before.tracks[:place], *before.tracks[place + 1 :]]
        if to is not None:
            tracks.insert(max(0, min(to, len(tracks))), track_id)
        # Guarded by the list that was read, so that a concurrent change in another tab is not lost.
        self._try({**_own(owner, playlist_id), "tracks": list(before.tracks)}, {"$set": {"tracks": tracks}})

    def _change(self, owner: str, playlist_id: str, change: Document) -> None:
        if not self._try(_own(owner, playlist_id), change):
            raise PlaylistError(_NONE)

    def _try(self, wanted: Document, change: Document) -> bool:
        stamped = {**change, "$set": {**change.get("$set", {}), "changed_at": datetime.now(UTC)}}
        return self.documents.update_one(wanted, stamped).matched_count == 1


_NONE = marked("There is no such playlist any more.")
_FULL = phrase("A playlist holds {most} songs at most.", most=MOST_TRACKS)


def _own(owner: str, playlist_id: str) -> Document:
    return {"_id": playlist_id, "owner": owner}


def _list_or_missing(field: str) -> Document:
    """The filter of documents whose field MongoDB can add to, or remove from."""
    return {"$or": [{field: {"$type": "array"}}, {field: {"$exists": False}}]}


def _named(name: str) -> str:
    name = "".join(c for c in " ".join(name.split()) if c.isprintable()).strip()
    if not name:
        raise PlaylistError(marked("A playlist needs a name."))
    if len(name) > LONGEST_NAME:
        raise PlaylistError(phrase("A name has at most {most} characters.", most=LONGEST_NAME))
    return name


def _playlist(document: StoredPlaylist) -> Playlist:
    return Playlist(
        playlist_id=document["_id"],
        owner=document["owner"],
        name=document["name"],
        tracks=tuple(document["tracks"]),
        changed_at=document["changed_at"],
        collaborators=tuple(document.get("collaborators", ())),
        asked=tuple(document.get("asked", ())),
        created_at=document.get("created_at"),
    )
