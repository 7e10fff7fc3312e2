"""Shared playlists: the members who may edit, and invitations."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from pymongo.database import Database

from segue.playlists.playlist import Playlist
from segue.playlists.playlists import Playlists
from segue.social.collaboration import ask_friend
from segue.social.follows import Follows
from segue.social.links import SharingError
from segue.storage.mongo import Document
from segue.storage.store import Store

AT = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.fixture
def together(database: Database[Document]) -> Store:
    """Ada's playlist; Ben is her friend, Cleo is not."""
    database.accounts.insert_many(
        {"_id": name, "user_id": name, "name": name.title()} for name in ("ada", "ben", "cleo")
    )
    store = Store(database)
    follows = Follows(store)
    follows.ask("ben", "ada")
    follows.agree("ada", "ben")
    follows.ask("cleo", "ada")
    database.playlists.insert_one(
        {"_id": "p1", "owner": "ada", "name": "Ours", "tracks": [], "changed_at": AT}
    )
    return store


def playlist(database: Database[Document]) -> Playlist:
    found = Playlists(Store(database)).read("ada", "p1")
    assert found is not None
    return found


def may_see(database: Database[Document], user_id: str) -> bool:
    found = playlist(database)
    return found.may_edit(user_id) or user_id in found.asked


def test_a_friend_who_joins_may_edit(together: Store, database: Database[Document]) -> None:
    ask_friend(together, "ada", "p1", "ben")
    assert not playlist(database).may_edit("ben")
    assert may_see(database, "ben")
    assert [one.playlist_id for one in Playlists(together).asking("ben")] == ["p1"]
    assert Playlists(together).join("ben", "p1")
    assert playlist(database).may_edit("ben")
    assert [one.playlist_id for one in Playlists(together).joined("ben")] == ["p1"]
    assert Playlists(together).asking("ben") == []
    ask_friend(together, "ada", "p1", "ben")
    assert Playlists(together).asking("ben") == []


def test_nobody_joins_uninvited_or_invites_to_a_playlist_of_others(
    together: Store, database: Database[Document]
) -> None:
    assert not Playlists(together).join("ben", "p1")
    for owner, friend in (("ada", "cleo"), ("ben", "ada")):
        with pytest.raises(SharingError):
            ask_friend(together, owner, "p1", friend)
    assert not may_see(database, "cleo")


def test_either_ends_it_and_nobody_else(together: Store, database: Database[Document]) -> None:
    ask_friend(together, "ada", "p1", "ben")
    Playlists(together).join("ben", "p1")
    assert not Playlists(together).leave("p1", "ben", by="cleo")
    assert playlist(database).may_edit("ben")
    assert Playlists(together).leave("p1", "ben", by="ada")
    assert not may_see(database, "ben")
    ask_friend(together, "ada", "p1", "ben")
    assert Playlists(together).leave("p1", "ben", by="ben")
    assert not may_see(database, "ben")
