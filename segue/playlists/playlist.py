"""A playlist, as it is stored and as it is read."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import NotRequired, TypedDict

from segue.errors import SegueError


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
    comment: str = ""
    public: bool = False
    """Whether every listener with an account may hear it."""
    folder: str = ""
    """The owner's folder for it; empty for none."""
    cover_id: str = ""
    """Id of the cover of one of its songs that the owner has chosen."""
    picture: str = ""
    """A digest of its own picture, which comes before `cover_id`."""
    rules: StoredRules | None = None
    """Its rules (:mod:`segue.playlists.rules`), by which it updates itself; None for one that is filled."""

    @property
    def version(self) -> int:
        """It never falls, so that of two states a page knows the newer one; see :func:`version_of`."""
        return version_of(self.changed_at)

    def may_edit(self, user_id: str) -> bool:
        """Whether a listener may change it: its owner, or a listener who has joined."""
        return user_id == self.owner or user_id in self.collaborators


class StoredRule(TypedDict):
    """A stored rule."""

    field: str
    """The property of a song that is compared."""
    operator: str
    """How it is compared."""
    value: str | int
    """The value that it is compared with: a text, a number, or a level."""


class StoredRules(TypedDict):
    """The stored rules of a playlist."""

    every: bool
    """Whether a song must fit every rule, or one of them."""
    rules: list[StoredRule]
    """The rules."""
    order: str
    """The order of the songs."""
    most: int
    """The most songs."""


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
    comment: NotRequired[str]
    """The owner's words about it."""
    public: NotRequired[bool]
    """Whether every listener with an account may hear it."""
    folder: NotRequired[str]
    """The owner's folder for it."""
    cover_id: NotRequired[str]
    """Id of the chosen cover in `covers`."""
    picture: NotRequired[str]
    """A digest of its own picture."""
    rules: NotRequired[StoredRules]
    """Its rules, instead of tracks."""
    picture_data: NotRequired[bytes]
    """Its own picture: a square JPEG with at most 640 pixels a side."""


def version_of(changed_at: datetime) -> int:
    """The version of a playlist by its last change: the time in milliseconds since the epoch."""
    return round(changed_at.timestamp() * 1000)


def playlist_of(document: StoredPlaylist) -> Playlist:
    """The playlist of a document."""
    return Playlist(
        playlist_id=document["_id"],
        owner=document["owner"],
        name=document["name"],
        tracks=tuple(document["tracks"]),
        changed_at=document["changed_at"],
        collaborators=tuple(document.get("collaborators", ())),
        asked=tuple(document.get("asked", ())),
        created_at=document.get("created_at"),
        comment=document.get("comment", ""),
        public=document.get("public", False),
        folder=document.get("folder", ""),
        cover_id=document.get("cover_id", ""),
        picture=document.get("picture", ""),
        rules=document.get("rules"),
    )
