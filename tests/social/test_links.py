"""Share links: the key that opens them, their expiry, and the right to end them."""

from __future__ import annotations

from datetime import timedelta

import pytest
from pymongo.database import Database

from segue.clock import now
from segue.social.links import MOST, ShareLinks, SharingError
from segue.storage.mongo import Document
from segue.storage.store import Store


@pytest.fixture
def links(database: Database[Document]) -> ShareLinks:
    return ShareLinks(Store(database))


def test_a_link_opens_its_item(links: ShareLinks) -> None:
    token = links.create("ada", "track", "t1", title="Song", playable=True)
    found = links.open(token)
    assert found is not None
    assert (found.owner, found.kind, found.key, found.playable) == ("ada", "track", "t1", True)


def test_tokens_are_long_different_and_not_in_the_database(
    links: ShareLinks, database: Database[Document]
) -> None:
    tokens = {links.create("ada", "track", "t1", title="Song") for _ in range(50)}
    assert len(tokens) == 50
    assert min(map(len, tokens)) >= 32  # 192 bits
    kept = str(list(database.share_links.find()))
    assert not any(token in kept for token in tokens)


@pytest.mark.parametrize("token", ["", "x", "x" * 32, "x" * 10_000, '{"$ne": null}', "../t1"])
def test_no_other_token_opens_anything(links: ShareLinks, token: str) -> None:
    links.create("ada", "track", "t1", title="Song")
    assert links.open(token) is None


def test_a_link_expires(database: Database[Document], links: ShareLinks) -> None:
    token = links.create("ada", "track", "t1", title="Song", good_for=timedelta(days=1))
    assert links.open(token)
    later = ShareLinks(Store(database), clock=lambda: now() + timedelta(days=1, seconds=1))
    assert later.open(token) is None
    assert later.of("ada") == []


def test_only_its_owner_can_end_a_link(links: ShareLinks) -> None:
    token = links.create("ada", "track", "t1", title="Song")
    [link] = links.of("ada")
    assert links.of("ben") == []
    assert not links.revoke("ben", link.link_id)
    assert links.open(token)
    assert links.revoke("ada", link.link_id)
    assert links.open(token) is None
    assert not links.revoke("ada", link.link_id)


def test_a_links_name_does_not_open_it(links: ShareLinks) -> None:
    links.create("ada", "track", "t1", title="Song")
    assert links.open(links.of("ada")[0].link_id) is None


def test_openings_are_counted_for_the_owner(links: ShareLinks) -> None:
    token = links.create("ada", "track", "t1", title="Song")
    links.open(token, count=True)
    links.open(token, count=True)
    links.open(token)
    assert links.of("ada")[0].opened == 2


def test_too_many_links_are_refused(links: ShareLinks, database: Database[Document]) -> None:
    token = links.create("ada", "track", "t1", title="Song")
    one = database.share_links.find_one({}, {"_id": 0})
    assert one and token
    database.share_links.insert_many([{**one, "_id": str(n)} for n in range(MOST - 1)])
    with pytest.raises(SharingError, match="Revoke some first"):
        links.create("ada", "track", "t1", title="Song")
