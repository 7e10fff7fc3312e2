"""Playlists of several: the owner asks a friend, who joins or does not; those who have joined may edit.

Joining, leaving and lists of these playlists: :class:`segue.playlists.playlists.Playlists`.

Delivery: one guarded update of the playlist's document, so that repeating it changes nothing.
"""

from __future__ import annotations

from segue.playlists.playlists import Playlists
from segue.social.follows import Follows
from segue.social.links import SharingError
from segue.storage.store import Store

MOST = 50
"""Collaborators and those asked, together."""


def ask_friend(store: Store, owner: str, playlist_id: str, friend: str) -> None:
    """Ask a friend to join.

    Raises
    ------
    SharingError
        The playlist is not the owner's, has too many people, or the two have not agreed to follow.
    """
    if not Follows(store).know_each_other(owner, friend):
        raise SharingError("Only friends can be asked: one of you follows the other, with agreement.")
    playlists = Playlists(store)
    playlist = playlists.read(owner, playlist_id)
    if playlist is None:
        raise SharingError("There is no such playlist of yours.")
    people = {*playlist.asked, *playlist.collaborators}
    if friend in people:
        return
    if len(people) >= MOST:
        raise SharingError(f"A playlist has {MOST} people at most.")
    playlists.ask_to_join(owner, playlist_id, friend)
