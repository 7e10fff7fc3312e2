"""Playlists of several: who may edit, and how one gets to."""

from __future__ import annotations

import pytest
from pymongo.database import Database

from segue.social.collaboration import Collaboration, may_edit, may_see
from segue.social.follows import Follows
from segue.social.links import SharingError
from segue.storage.mongo import Document


@pytest.fixture
def together(database: Database[Document]) -> Collaboration:
    """Ada's playlist; Ben is her friend, Cleo is not."""
    database.accounts.insert_many(
        {"_id": name, "user_id": name, "name": name.title()} for name in ("ada", "ben", "cleo")
    )
    follows = Follows(database)
    follows.ask("ben", "ada")
    follows.agree("ada", "ben")
    follows.ask("cleo", "ada")
    database.playlists.insert_one({"_id": "p1", "owner": "ada", "name": "Ours", "tracks": []})
    return Collaboration(database)


def playlist(database: Database[Document]) -> Document:
    found = database.playlists.find_one({"_id": "p1"})
    assert found is not None
    return found


def test_a_friend_who_joins_may_edit(together: Collaboration, database: Database[Document]) -> None:
    together.ask("ada", "p1", "ben")
    assert not may_edit(playlist(database), "ben")
    assert may_see(playlist(database), "ben")
    assert [one["_id"] for one in together.asked("ben")] == ["p1"]
    assert together.join("ben", "p1")
    assert may_edit(playlist(database), "ben")
    assert [one["_id"] for one in together.joined("ben")] == ["p1"]
    assert together.asked("ben") == []
    together.ask("ada", "p1", "ben")
    assert together.asked("ben") == []


def test_nobody_joins_unasked_or_asks_to_what_is_not_theirs(
    together: Collaboration, database: Database[Document]
) -> None:
    assert not together.join("ben", "p1")
    for owner, friend in (("ada", "cleo"), ("ben", "ada")):
        with pytest.raises(SharingError):
            together.ask(owner, "p1", friend)
    assert not may_see(playlist(database), "cleo")


def test_either_ends_it_and_nobody_else(together: Collaboration, database: Database[Document]) -> None:
    together.ask("ada", "p1", "ben")
    together.join("ben", "p1")
    assert not together.leave("p1", "ben", by="cleo")
    assert may_edit(playlist(database), "ben")
    assert together.leave("p1", "ben", by="ada")
    assert not may_see(playlist(database), "ben")
    together.ask("ada", "p1", "ben")
    assert together.leave("p1", "ben", by="ben")
    assert not may_see(playlist(database), "ben")
