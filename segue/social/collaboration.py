"""Playlists of several: the owner asks a friend, who joins or does not; whoever has joined may edit.

Kept in the playlist's own document: `asked` and `collaborators` are lists of listeners' ids.

Delivery: each call is one guarded update, so that repeating it changes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pymongo.database import Database

from segue.social.follows import Follows
from segue.social.links import SharingError
from segue.storage.mongo import Document

MOST = 50
"""Collaborators and those asked, together."""


def may_edit(playlist: Mapping[str, Any], user_id: str) -> bool:
    """Whether a listener may change a playlist: its owner, or one who has joined."""
    return user_id == playlist["owner"] or user_id in playlist.get("collaborators", ())


def may_see(playlist: Mapping[str, Any], user_id: str) -> bool:
    """Whether a listener may look at a playlist: who may edit it, or is asked to."""
    return may_edit(playlist, user_id) or user_id in playlist.get("asked", ())


class Collaboration:
    """Who joins whose playlists."""

    def __init__(self, database: Database[Document]) -> None:
        self._playlists, self._follows = database.playlists, Follows(database)

    def ask(self, owner: str, playlist_id: str, friend: str) -> None:
        """Ask a friend to join.

        Raises
        ------
        SharingError
            The playlist is not the owner's, has too many people, or the two have not agreed to follow.
        """
        if not self._follows.know_each_other(owner, friend):
            raise SharingError("Only friends can be asked: one of you follows the other, with agreement.")
        found = self._playlists.find_one({"_id": playlist_id, "owner": owner})
        if found is None:
            raise SharingError("There is no such playlist of yours.")
        people = {*found.get("asked", ()), *found.get("collaborators", ())}
        if friend in people:
            return
        if len(people) >= MOST:
            raise SharingError(f"A playlist has {MOST} people at most.")
        self._playlists.update_one({"_id": playlist_id, "owner": owner}, {"$addToSet": {"asked": friend}})

    def asked(self, user_id: str) -> list[Document]:
        """The playlists that a listener is asked to join."""
        return list(self._playlists.find({"asked": user_id}).sort("name", 1))

    def joined(self, user_id: str) -> list[Document]:
        """The playlists of others that a listener may edit."""
        return list(self._playlists.find({"collaborators": user_id}).sort("name", 1))

    def join(self, user_id: str, playlist_id: str) -> bool:
        """Accept; False for one who was not asked."""
        change = {"$pull": {"asked": user_id}, "$addToSet": {"collaborators": user_id}}
        return bool(self._playlists.update_one({"_id": playlist_id, "asked": user_id}, change).matched_count)

    def leave(self, playlist_id: str, user_id: str, *, by: str) -> bool:
        """Out of a playlist, or out of being asked: by oneself or by the owner; False when it is neither."""
        mine = {"_id": playlist_id} if by == user_id else {"_id": playlist_id, "owner": by}
        change = {"$pull": {"collaborators": user_id, "asked": user_id}}
        return bool(self._playlists.update_one(mine, change).matched_count)
