"""Lists are read page by page, each from the last document of the page before."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from typing import Any, get_args

import pytest
from pymongo.database import Database

from segue.catalog.albums import AlbumOrder, Albums
from segue.catalog.browsed_tracks import BrowsedTracks, SongOrder
from segue.catalog.tracks import ORDERS
from segue.storage.keyset import Place, in_order
from segue.storage.mongo import Document
from segue.storage.store import Store

pytestmark = pytest.mark.integration
SONGS = 60


@pytest.fixture
def tracks(database: Database[Document]) -> BrowsedTracks:
    """Songs that share titles, years and artists; some lack them, and one has a damaged year."""
    rng = random.Random(3)
    moment = datetime(2026, 1, 1, tzinfo=UTC)
    for n in range(SONGS):
        song: Document = {"_id": f"t{n:02d}", "title": rng.choice(["elan", "Élan", "Zebra", "alpha", "東京"])}
        if n % 3:
            song |= {"artist": rng.choice(["abba", "Zappa", "Björk"]), "year": 1970 + n % 4}
        if n % 4:
            song |= {"added_at": moment + timedelta(days=n % 5), "track": n, "details": {"disc": n % 2}}
        database.tracks.insert_one(song)
    database.tracks.update_one({"_id": "t07"}, {"$set": {"year": "soon"}})
    database.tracks.update_one({"_id": "t08"}, {"$set": {"state": "vanished"}})
    owner = BrowsedTracks(Store(database))
    for index in owner.indexes:
        owner.make(index)
    return owner


def walked(tracks: BrowsedTracks, by: SongOrder, *, backwards: bool = False) -> list[str]:
    ids: list[str] = []
    more = True
    while more:
        after = Place(ids[-1], len(ids)) if ids else None
        page = tracks.page(by=by, limit=7, after=after, backwards=backwards)
        ids += [track.track_id for track in page]
        more = page.more
    return ids


@pytest.mark.parametrize("by", get_args(SongOrder))
def test_the_pages_together_are_the_whole_list(tracks: BrowsedTracks, by: SongOrder) -> None:
    whole = [track.track_id for track in tracks.page(by=by, limit=SONGS)]
    assert sorted(whole) == sorted(f"t{n:02d}" for n in range(SONGS) if n != 8)
    assert walked(tracks, by) == whole
    assert walked(tracks, by, backwards=True) == whole[::-1]


def test_titles_are_sorted_as_in_a_dictionary(tracks: BrowsedTracks) -> None:
    titles = [track.title for track in tracks.page(by="title", limit=SONGS)]
    assert list(dict.fromkeys(title.casefold().replace("é", "e") for title in titles)) == [
        "alpha",
        "elan",
        "zebra",
        "東京",
    ]


def test_a_list_goes_on_after_a_song_that_has_gone(
    tracks: BrowsedTracks, database: Database[Document]
) -> None:
    first = tracks.page(by="title", limit=7)
    following = tracks.page(by="title", limit=7, after=Place(first[-1].track_id, 7))
    database.tracks.delete_one({"_id": first[-1].track_id})
    assert [t.track_id for t in tracks.page(by="title", limit=7, after=Place(first[-1].track_id, 6))] == [
        t.track_id for t in following
    ]


def test_a_list_goes_on_while_its_index_is_missing(
    tracks: BrowsedTracks, database: Database[Document]
) -> None:
    whole = walked(tracks, "artist")
    database.tracks.drop_indexes()
    assert walked(tracks, "artist") == whole


@pytest.mark.parametrize("by", get_args(SongOrder))
def test_a_later_page_begins_in_the_index(
    tracks: BrowsedTracks, database: Database[Document], by: SongOrder
) -> None:
    """The last page reads few documents, however many are before it."""
    database.command("profile", 2)
    ids = walked(tracks, by)
    tracks.page(by=by, limit=7, after=Place(ids[-8], SONGS - 9))
    database.command("profile", 0)
    last = next(
        iter(
            database["system.profile"].find({"op": "query", "command.min": {"$exists": True}}).sort("ts", -1)
        )
    )
    assert last["docsExamined"] <= 10
    assert last["planSummary"].startswith("IXSCAN")


def test_some_songs_have_the_order_of_all(tracks: BrowsedTracks) -> None:
    for by in get_args(SongOrder):
        whole = [track.track_id for track in tracks.page(by=by, limit=SONGS)]
        some = [track.track_id for track in tracks.among(whole[::3], by=by)]
        if by == "added":
            assert some == whole[::3]
        assert sorted(some) == sorted(whole[::3])
        assert [track.track_id for track in tracks.among(whole, by=by, backwards=True)][::-1] == [
            track.track_id for track in tracks.among(whole, by=by)
        ]


def test_values_of_every_type_can_be_sorted() -> None:
    values: list[Any] = [None, "x", 3, 2.5, [], {}]
    mixed = [{"_id": str(n), "year": value} for n, value in enumerate(values)]
    assert len(in_order(mixed, ORDERS["year"])) == 6


def test_albums_page_by_page(database: Database[Document], store: Store) -> None:
    albums = Albums(store)
    database.albums.insert_many(
        {
            "_id": f"a{n:02d}", "library": "home", "name": f"Album {n % 3}", "key": "k", "keys": [],
            "artist": "A", "artist_keys": [], "appearing": [], "various": False, "sort": f"album {n % 3}",
            "artist_sort": "a",
            "year": None if n % 4 else 1990 + n, "original_year": None, "edition": None, "release": None,
            "release_group": None, "tracks": 1, "discs": 1, "duration_ms": 1, "genres": [], "cover_id": None,
            "added_at": None,
        }
        for n in range(20)
    )  # fmt: skip
    for index in albums.indexes:
        albums.make(index)
    for by in get_args(AlbumOrder):
        whole = [album["_id"] for album in albums.page(by=by, limit=50)]
        ids: list[str] = []
        while len(ids) < 20:
            after = Place(ids[-1], len(ids)) if ids else None
            ids += [album["_id"] for album in albums.page(by=by, limit=3, after=after)]
        assert ids == whole
