"""Albums and artists follow the tracks: after each change they equal a rebuild from the tracks."""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pytest
from mutagen.id3 import ID3, TPE2
from pymongo.database import Database

from segue.batch_jobs.ingest_catalog import run
from segue.catalog.albums import Albums
from segue.catalog.artists import Artists
from segue.catalog.gathering import Gathered, gather, rebuild
from segue.catalog.track import MusicBrainzIds, Track, TrackDetails
from segue.catalog.track_files import TrackFiles
from segue.catalog.tracks import Tracks
from segue.storage.mongo import Document
from segue.storage.store import Store
from tests.catalog.library import song, tag


def made(own: int, *, folder: str = "A/One", album: str | None = "One", **details: Any) -> Track:
    artists = details.pop("artists", ("Nina",))
    return Track(
        track_id=f"{own:016x}",
        library=details.pop("library", "home"),
        path=f"/m/{folder}/{own}.mp3",
        title=f"Song {own}",
        artist=", ".join(artists),
        album=album,
        genres=details.pop("genres", ("Jazz",)),
        duration_ms=60_000,
        track=details.pop("number", own),
        year=details.pop("year", None),
        cover_id=None,
        size=1,
        modified_ns=1,
        details=TrackDetails(artists=artists, **details),
    )


def written(database: Database[Document], tracks: Iterable[Track]) -> Store:
    store = Store(database)
    Tracks(store).write(tracks)
    return store


def stored(database: Database[Document]) -> dict[str, list[Document]]:
    untimed = {"gathered_at": 0}
    found = {name: list(database[name].find({}, untimed).sort("_id")) for name in ("albums", "artists")}
    found["tracks"] = list(database.tracks.find({"state": "present"}, {"album_id": 1}).sort("_id"))
    return found


def test_counts_of_albums_and_artists(database: Database[Document]) -> None:
    store = written(
        database,
        [
            made(1, disc=1, year=1965, album_sort="1, One"),
            made(2, disc=2, year=1965, featured=("Guest",), folder="A/One/CD2"),
            made(3, folder="B/Two", album="Two", artists=("Other", "Nina"), album_artists=("Other",)),
            made(4, folder="C", album=None, artists=("The Nobody",)),
        ],
    )
    assert gather(store).tracks == 4
    one, two = sorted(Albums(store).page(by="name", limit=9), key=lambda album: album["name"])
    assert (one["name"], one["artist"], one["year"], one["discs"]) == ("One", "Nina", 1965, 2)
    assert (one["tracks"], one["duration_ms"], one["appearing"]) == (2, 120_000, ["guest"])
    assert (one["sort"], one["artist_sort"]) == ("1, one", "nina")
    assert (two["artist_keys"], two["appearing"]) == (["other"], ["nina"])
    nina: Mapping[str, Any] = Artists(store).get("nina") or {}
    assert [nina.get(name) for name in ("tracks", "featured", "albums", "appears_on")] == [3, 0, 1, 1]
    guest: Mapping[str, Any] = Artists(store).get("guest") or {}
    assert [guest.get(name) for name in ("name", "tracks", "featured", "albums", "appears_on")] == [
        "Guest", 0, 1, 0, 1,
    ]  # fmt: skip
    names = [artist["name"] for artist in Artists(store).page(by="name", limit=9)]
    assert names == ["Guest", "Nina", "The Nobody", "Other"]
    assert database.tracks.count_documents({"album_id": None}) == 1


def test_a_second_run_does_nothing_and_writes_nothing(database: Database[Document]) -> None:
    store = written(database, [made(number) for number in range(1, 9)])
    assert gather(store) == Gathered(tracks=8, albums=1, artists=1)
    before = stored(database)
    assert gather(store) == Gathered(tracks=0, albums=0, artists=0)
    assert stored(database) == before


def test_tracks_that_vanish_do_not_count_and_come_back(database: Database[Document]) -> None:
    store = written(database, [made(1), made(2), made(3, artists=("Guest",))])
    gather(store)
    before = stored(database)
    TrackFiles(store).mark_vanished([f"{number:016x}" for number in (2, 3)])
    gather(store)
    (album,) = Albums(store).page(by="name", limit=9)
    assert (album["tracks"], Artists(store).get("guest")) == (1, None)
    TrackFiles(store).mark_vanished([f"{1:016x}"])
    gather(store)
    assert stored(database) == {"albums": [], "artists": [], "tracks": []}
    Tracks(store).write([made(1), made(2), made(3, artists=("Guest",))])
    gather(store)
    assert stored(database) == before


def test_a_release_over_several_names_and_folders(database: Database[Document]) -> None:
    ids = MusicBrainzIds(release="r", release_group="g")
    store = written(
        database,
        [made(1, ids=ids), made(2, ids=ids, folder="B", album="One (Bonus)"), made(3, ids=ids, album=None)],
    )
    gather(store)
    (album,) = Albums(store).page(by="name", limit=9)
    assert (album["tracks"], album["release"], album["release_group"]) == (3, "r", "g")


def test_tracks_of_a_release_before_are_grouped(database: Database[Document]) -> None:
    """Releases before 0.2 stored neither the artists nor the time at which a track was added."""
    old = {"library": "home", "genres": [], "duration_ms": 1000, "track": 1, "year": 1999, "state": "present"}
    database.tracks.insert_many(
        [
            {**old, "_id": "a", "path": "/m/1.mp3", "title": "T", "artist": "Ana", "album": "Al"},
            {**old, "_id": "b", "path": "/m/2.mp3", "title": "T", "artist": "Unknown artist", "album": None},
        ]
    )
    assert gather(Store(database)).tracks == 2
    assert [album["artist"] for album in database.albums.find()] == ["Ana"]
    assert [artist["name"] for artist in database.artists.find()] == ["Ana"]


@pytest.mark.parametrize("seed", range(6))
def test_after_every_change_the_collections_are_those_of_a_rebuild(
    database: Database[Document], seed: int
) -> None:
    rng = random.Random(seed)
    store = Store(database)

    def anything(number: int) -> Track:
        release = rng.choice([None, None, None, "r1", "r2"])
        return made(
            number,
            folder=rng.choice(["a", "a/CD1", "b", "c"]),
            album=rng.choice(["Hits", "hits (disc 2)", "Live", None]),
            artists=rng.choice([("Queen",), ("ABBA",), ("Queen", "ABBA")]),
            featured=rng.choice([(), ("Guest",)]),
            album_artists=rng.choice([(), (), ("Queen",)]),
            compilation=rng.random() < 0.2,
            year=rng.choice([None, 1980, 2011]),
            number=rng.randrange(1, 5),
            library=rng.choice(["home", "other"]),
            ids=MusicBrainzIds(release=release),
        )

    for _ in range(8):
        Tracks(store).write(anything(number) for number in rng.sample(range(30), 6))
        TrackFiles(store).mark_vanished(f"{number:016x}" for number in rng.sample(range(30), 3))
        gather(store)
        followed = stored(database)
        rebuild(store)
        assert stored(database) == followed


def test_ingest_keeps_albums_and_artists(database: Database[Document], tmp_path: Path) -> None:
    root = tmp_path / "Music"
    for number, artist in enumerate("XYZ", 1):
        file = song(root / f"{artist}.mp3", seconds=1.0, seed=number)
        tag(file, title=f"T{artist}", artist=artist, album="Sampler", genre="Pop")
        frames = ID3(file)
        frames.add(TPE2(text="Various Artists"))
        frames.save(file)
    run(Store(database), root, quiet=True)
    albums = [(album["name"], album["artist"], album["tracks"]) for album in database.albums.find()]
    assert albums == [("Sampler", "Various Artists", 3)]
    assert sorted(artist["_id"] for artist in database.artists.find()) == ["x", "y", "z"]
    (root / "Z.mp3").unlink()
    run(Store(database), root, quiet=True)
    assert [album["tracks"] for album in database.albums.find()] == [2]
