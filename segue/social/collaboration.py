"""Collaborative playlists: the owner invites a friend, who may join and then edit the playlist.

:class:`segue.playlists.playlists.Playlists` has joining, leaving and the lists of these playlists.

Delivery: one conditional update of the playlist's document, so that repeating it changes nothing.
"""

from __future__ import annotations

from segue.phrases import marked, phrase
from segue.playlists.playlists import Playlists
from segue.social.follows import Follows
from segue.social.links import SharingError
from segue.storage.store import Store

MOST = 50
"""The maximum number of collaborators and pending invitations together."""


def ask_friend(store: Store, owner: str, playlist_id: str, friend: str) -> None:
    """Invite a friend to join.

    Raises
    ------
    SharingError
        The playlist is not the owner's, it has too many people, or neither follows the other with agreement.
    """
    if not Follows(store).know_each_other(owner, friend):
        raise SharingError(
            marked(
                "You can only invite friends: one of you must follow the other, with the other's agreement."
            )
        )
    playlists = Playlists(store)
    playlist = playlists.read(owner, playlist_id)
    if playlist is None:
        raise SharingError(marked("You have no such playlist."))
    people = {*playlist.asked, *playlist.collaborators}
    if friend in people:
        return
    if len(people) >= MOST:
        raise SharingError(phrase("A playlist has {most} people at most.", most=MOST))
    playlists.ask_to_join(owner, playlist_id, friend)
