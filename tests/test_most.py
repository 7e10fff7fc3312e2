"""Requests at the same time never leave a listener with more than the most documents of a kind."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from pymongo.database import Database

from segue.errors import SegueError
from segue.people import api_keys, app_passwords
from segue.people.api_keys import EVENTS, ApiKeys
from segue.people.app_passwords import AppPasswords
from segue.people.authentication import Authenticator
from segue.people.secret_box import SecretBox
from segue.playlists import bookmarks, playlists
from segue.playlists.bookmarks import Bookmarks
from segue.playlists.playlists import Playlists
from segue.social import follows, links
from segue.social.follows import Follows
from segue.social.links import ShareLinks
from segue.storage.mongo import Document
from segue.storage.store import Collection, Store


def _links(store: Store, folder: Path) -> Callable[[int], object]:
    return lambda number: ShareLinks(store).create("ada", "track", f"t{number}", title="Song")


def _app_passwords(store: Store, folder: Path) -> Callable[[int], object]:
    box = SecretBox(folder / "key")
    return lambda number: AppPasswords(store).create("ada", "Ada", device=f"phone {number}", box=box)


def _api_keys(store: Store, folder: Path) -> Callable[[int], object]:
    return lambda number: ApiKeys(store).create("ada", "Ada", label=f"lamp {number}", scopes=[EVENTS])


def _playlists(store: Store, folder: Path) -> Callable[[int], object]:
    return lambda number: Playlists(store).create("ada", f"Playlist {number}")


def _bookmarks(store: Store, folder: Path) -> Callable[[int], object]:
    return lambda number: Bookmarks(store).put("ada", f"t{number}", position_ms=1, comment="")


def _follows(store: Store, folder: Path) -> Callable[[int], object]:
    accounts = Authenticator(store)
    for number in range(4):
        accounts.create(f"Friend {number}", "correct horse")
    return lambda number: Follows(store).ask("ada", f"Friend {number}")


@pytest.mark.parametrize(
    ("module", "most", "prepare", "name"),
    [
        (links, "MOST", _links, "share_links"),
        (app_passwords, "MOST", _app_passwords, "app_passwords"),
        (api_keys, "MOST", _api_keys, "api_keys"),
        (playlists, "MOST_PLAYLISTS", _playlists, "playlists"),
        (bookmarks, "MOST", _bookmarks, "bookmarks"),
        (follows, "MOST_ASKED", _follows, "follows"),
    ],
)
def test_who_saw_room_at_the_same_time_is_refused_after_all(
    database: Database[Document],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    module: object,
    most: str,
    prepare: Callable[[Store, Path], Callable[[int], object]],
    name: str,
) -> None:
    monkeypatch.setattr(module, most, 2)
    add = prepare(Store(database), tmp_path)
    add(0)
    add(1)
    # A request that has counted before the others had written.
    monkeypatch.setattr(Collection, "room", lambda *given, **named: True)
    before = sorted(str(one["_id"]) for one in database[name].find())
    with pytest.raises((ValueError, SegueError), match=r"You have (2|too many)"):
        add(2)
    assert sorted(str(one["_id"]) for one in database[name].find()) == before
    assert len(before) == 2
