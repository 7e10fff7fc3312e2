"""Playlists of several: the owner asks a friend, who joins or does not; those who have joined may edit.

Delivery: each call is one guarded update of the playlist's document, so that repeating it changes nothing.
"""

from __future__ import annotations

from segue.playlists.playlists import Playlist, Playlists
from segue.social.follows import Follows
from segue.social.links import SharingError
from segue.storage.store import Store

MOST = 50
"""Collaborators and those asked, together."""


class Collaboration:
    """Lets friends edit each other's playlists."""

    def __init__(self, store: Store) -> None:
        self._playlists, self._follows = Playlists(store), Follows(store)

    def ask(self, owner: str, playlist_id: str, friend: str) -> None:
        """Ask a friend to join.

        Raises
        ------
        SharingError
            The playlist is not the owner's, has too many people, or the two have not agreed to follow.
        """
        if not self._follows.know_each_other(owner, friend):
            raise SharingError("Only friends can be asked: one of you follows the other, with agreement.")
        playlist = self._playlists.read(owner, playlist_id)
        if playlist is None:
            raise SharingError("There is no such playlist of yours.")
        people = {*playlist.asked, *playlist.collaborators}
        if friend in people:
            return
        if len(people) >= MOST:
            raise SharingError(f"A playlist has {MOST} people at most.")
        self._playlists.ask_to_join(owner, playlist_id, friend)

    def asked(self, user_id: str) -> list[Playlist]:
        """The playlists that a listener is asked to join."""
        return self._playlists.asking(user_id)

    def joined(self, user_id: str) -> list[Playlist]:
        """The playlists of others that a listener may edit."""
        return self._playlists.joined(user_id)

    def join(self, user_id: str, playlist_id: str) -> bool:
        """Accept; False for one who was not asked."""
        return self._playlists.join(user_id, playlist_id)

    def leave(self, playlist_id: str, user_id: str, *, by: str) -> bool:
        """Leave a playlist, or refuse to join: by oneself or by the owner; False when it is neither."""
        return self._playlists.leave(playlist_id, user_id, by=by)
