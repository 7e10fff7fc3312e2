"""Finding tracks by words."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from pymongo.database import Database

from segue.dashboard.queries.catalogue import CatalogueReader
from segue.index.bundle import Contents, write_bundle
from segue.index.published import PublishedBundles
from segue.index.track_ids import encode_ids
from segue.settings import Settings
from segue.storage.mongo import Document
from segue.storage.store import Store
from tests.index.corpus import ANNOY

SONGS: list[Document] = [
    {"_id": "a", "title": "Hoppípolla", "artist": "Sigur Rós", "album": "Takk...", "genres": ["Post-Rock"]},
    {
        "_id": "b",
        "title": "Barometer",
        "artist": "Subtropic Unit",
        "album": "Pressure",
        "genres": ["Drum and Bass"],
    },
    {"_id": "c", "title": "Don't Stop", "artist": "The Barometers", "album": None, "genres": ["Rock"]},
    {"_id": "d", "title": "Under Pressure", "artist": "Queen", "album": "Hot Space", "genres": ["Rock"]},
    {"_id": "e", "title": "夜に駆ける", "artist": "YOASOBI", "album": None, "genres": []},
]


@pytest.fixture
def catalogue(settings: Settings, database: Database[Document]) -> CatalogueReader:
    database.tracks.insert_many([{**song, "state": "present", "modified_ns": 1} for song in SONGS])
    return CatalogueReader(Store(database), index_folder=settings.index.folder)


def test_results_are_shown_as_the_catalogue_has_them(catalogue: CatalogueReader) -> None:
    (item,) = catalogue.search("hoppipola")
    assert (item.title, item.artist, item.source) == ("Hoppípolla", "Sigur Rós", "search")


def test_a_vanished_track_is_not_found(catalogue: CatalogueReader, database: Database[Document]) -> None:
    database.tracks.update_one({"_id": "a"}, {"$set": {"state": "vanished"}})
    assert catalogue.search("hoppipolla") == []
    assert catalogue.track("a") is None


def test_neighbours_are_those_that_sound_alike(
    catalogue: CatalogueReader, settings: Settings, database: Database[Document]
) -> None:
    vectors = np.array([[1, 0], [0.9, 0.1], [0.8, 0.2], [-1, 0]], dtype=np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    manifest = write_bundle(
        settings.index.folder,
        Contents(
            vectors=vectors,
            track_ids=encode_ids(["a", "b", "c", "d"]),
            artists=np.arange(4, dtype=np.int32),
            cold_start=np.arange(4, dtype=np.int32),
        ),
        space="s",
        backend=ANNOY,
    )
    PublishedBundles(Store(database)).publish(Path(settings.index.folder) / manifest.version)
    near = catalogue.neighbours("a")
    assert [one.item.track_id for one in near] == ["b", "c"]
    assert near[0].score > near[1].score > 0.9
    assert near[0].item.source == "similar"
    assert catalogue.neighbours("e") == []


def test_the_tags_of_a_data_set_are_looked_in(
    catalogue: CatalogueReader, database: Database[Document]
) -> None:
    database.tracks.update_one({"_id": "c"}, {"$set": {"fma": {"tags": ["rainy"]}}})
    assert [item.track_id for item in catalogue.search("rainy")] == ["c"]


def test_genres_with_as_many_tracks_keep_their_order(
    catalogue: CatalogueReader, database: Database[Document]
) -> None:
    before = catalogue.genres()
    assert before == ["Rock", "Drum and Bass", "Post-Rock"]
    for song in reversed(SONGS):  # the order in which the database reads them changes
        stored = database.tracks.find_one_and_delete({"_id": song["_id"]}) or {}
        database.tracks.insert_one(stored)
    assert catalogue.genres() == before
