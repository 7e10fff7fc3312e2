"""Search for albums and artists: spellings, sort names, typos, and changes."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import Any

import pytest
from pymongo.database import Database

from segue.catalog import search
from segue.catalog.albums import Albums
from segue.catalog.artists import Artists
from segue.catalog.gathering import gather
from segue.catalog.letters import artist_key
from segue.catalog.search import CurrentWords, GatheredSearch
from segue.catalog.words import WordIndex, index_texts
from segue.errors import SegueError
from segue.storage.mongo import Document
from segue.storage.store import Store
from tests.waiting import PATIENCE, until

SONGS = [
    ("Sigur Rós", "( )", {}),
    ("Sigur Rós", "Ágætis byrjun", {"edition": "Deluxe Edition"}),
    ("椎名林檎", "無罪モラトリアム", {"artist_sort": "Sheena, Ringo"}),
    ("Queen", "A Night at the Opera", {}),
    ("Queensrÿche", "Operation: Mindcrime", {}),
    ("The Beatles", "Let It Be", {"artist_sort": "Beatles, The"}),
]


def track(number: int, artist: str, album: str, details: Mapping[str, Any]) -> Document:
    return {
        "_id": f"{number:016d}",
        "library": "music",
        "path": f"/music/{artist}/{album}/{number}.mp3",
        "title": f"Song {number}",
        "artist": artist,
        "album": album,
        "artist_keys": [artist_key(artist)],
        "details": {"artists": [artist], **details},
        "genres": [],
        "duration_ms": 1000,
        "modified_ns": number,
        "track": 1,
        "state": "present",
    }


@pytest.fixture
def store(database: Database[Document]) -> Store:
    database.tracks.insert_many([track(number, *song) for number, song in enumerate(SONGS)])
    store = Store(database)
    gather(store)
    return store


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("sigur ros", ["Sigur Rós"]),
        ("sigr rós", ["Sigur Rós"]),
        ("sheena ringo", ["椎名林檎"]),
        ("林檎", ["椎名林檎"]),
        ("beatles", ["The Beatles"]),
        ("beetles", ["The Beatles"]),
        ("queen", ["Queen", "Queensrÿche"]),
        ("nobody", []),
    ],
)
def test_artists(store: Store, query: str, found: list[str]) -> None:
    matches = GatheredSearch(Artists(store)).search(query, limit=9)
    assert [artist["name"] for artist in matches] == found


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("agaetis", ["Ágætis byrjun"]),
        ("agætis deluxe", ["Ágætis byrjun"]),
        ("sigur ros", ["( )", "Ágætis byrjun"]),
        ("night opera queen", ["A Night at the Opera"]),
        ("oprea", ["A Night at the Opera"]),
        ("sheena", ["無罪モラトリアム"]),
    ],
)
def test_albums(store: Store, query: str, found: list[str]) -> None:
    matches = GatheredSearch(Albums(store)).search(query, limit=9)
    assert [album["name"] for album in matches] == found


def test_a_part_counts_all(store: Store) -> None:
    matches = GatheredSearch(Albums(store)).search("sigur", limit=1)
    assert (len(matches), matches.total) == (1, 2)


def test_an_album_gathered_after_its_tracks_were_seen_is_found(
    store: Store, database: Database[Document], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The search looks between the change of a track and that of its album."""
    monkeypatch.setattr(search, "_LOOK_EVERY", 0.0)
    monkeypatch.setattr(search, "_MOMENT", PATIENCE)
    albums = GatheredSearch(Albums(store))
    assert not albums.search("renamed", limit=9)
    database.tracks.update_one(
        {"_id": f"{0:016d}"}, {"$set": {"album": "Renamed", "modified_ns": 99, "grouped": 0}}
    )
    assert not albums.search("renamed", limit=9)
    gather(store)
    assert [album["name"] for album in albums.search("renamed", limit=9)] == ["Renamed"]


@pytest.mark.parametrize(("hidden", "found"), [("music", []), ("other", ["Queen", "Queensrÿche"])])
def test_hidden_libraries_are_not_found(
    store: Store, database: Database[Document], hidden: str, found: list[str]
) -> None:
    visitor = Store(database, hidden_libraries=lambda: frozenset({hidden}))
    artists = GatheredSearch(Artists(visitor)).search("queen", limit=9)
    albums = GatheredSearch(Albums(visitor)).search("queen", limit=9)
    assert ([artist["name"] for artist in artists], artists.total) == (found, len(found))
    assert {album["artist"] for album in albums} == set(found)
    assert albums.total == len(albums)


def test_a_visitor_finds_an_artist_by_the_albums_of_visible_libraries(
    store: Store, database: Database[Document]
) -> None:
    """All visitors share the index of words: an earlier visitor must make no difference."""
    hidden: list[frozenset[str]] = [frozenset()]
    visitor = Store(database, hidden_libraries=lambda: hidden[0])
    secret = {**track(50, "Queen", "Secret Session", {}), "library": "private"}
    database.tracks.insert_one(secret)
    gather(store)
    albums, artists = GatheredSearch(Albums(visitor)), GatheredSearch(Artists(visitor))
    assert [album["name"] for album in albums.search("secret", limit=9)] == ["Secret Session"]
    hidden[0] = frozenset({"private"})
    assert (albums.search("secret", limit=9), albums.search("secret", limit=9).total) == ([], 0)
    assert (Albums(visitor).count(), Artists(visitor).count()) == (6, 5)
    (queen, _) = artists.search("queen", limit=9)
    assert (queen["name"], queen["tracks"], queen["albums"]) == ("Queen", 1, 1)


def test_the_number_of_visible_documents_follows_changes(store: Store, database: Database[Document]) -> None:
    albums = Albums(Store(database, hidden_libraries=lambda: frozenset({"private"})))
    database.tracks.insert_one({**track(50, "Queen", "Secret Session", {}), "library": "private"})
    gather(store)
    assert (albums.count(), albums.page(by="name", limit=2).more) == (6, True)
    database.tracks.insert_one(track(51, "Queen", "Innuendo", {}))
    gather(store)
    assert (albums.count(), Albums(store).count()) == (7, 8)


class Growing:
    """A collection whose index of words takes as long to build as the test says."""

    def __init__(self) -> None:
        self.names = ["first"]
        self.may_build, self.builds = threading.Event(), 0
        self.may_build.set()
        self.fails = False

    def build(self) -> WordIndex:
        self.builds += 1
        assert self.may_build.wait(PATIENCE)
        if self.fails:
            raise SegueError("MongoDB does not answer")
        return index_texts((name, [(name, 1.0)]) for name in self.names)

    def words(self) -> CurrentWords:
        return CurrentWords(self.build, revision=lambda: len(self.names), ids_in=lambda libraries: [])


def found(words: CurrentWords, query: str) -> list[str]:
    return list(words.search(query, limit=9, hidden=frozenset()))


def test_a_search_does_not_wait_until_a_new_index_is_built(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(search, "_LOOK_EVERY", 0.0)
    monkeypatch.setattr(search, "_MOMENT", 0.0)
    collection = Growing()
    words = collection.words()
    assert found(words, "first") == ["first"]
    collection.may_build.clear()
    collection.names.append("second")
    assert (found(words, "first"), found(words, "second")) == (["first"], [])
    assert (found(words, "first"), collection.builds) == (["first"], 2)  # one rebuild at a time
    collection.may_build.set()
    until(lambda: found(words, "second") == ["second"], "the new index")


def test_a_prepared_search_sees_the_changes_since(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(search, "_MOMENT", PATIENCE)
    collection = Growing()
    words = collection.words()
    words.prepare()
    words.prepare()
    assert collection.builds == 1
    collection.names.append("second")
    assert found(words, "second") == ["second"]


def test_a_failed_rebuild_keeps_the_former_index(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(search, "_LOOK_EVERY", 0.0)
    monkeypatch.setattr(search, "_MOMENT", PATIENCE)
    collection = Growing()
    words = collection.words()
    words.prepare()
    collection.names.append("second")
    collection.fails = True
    assert (found(words, "first"), found(words, "second")) == (["first"], [])
    assert "the search keeps its former words: MongoDB does not answer" in caplog.text
    collection.fails = False
    assert found(words, "second") == ["second"]
