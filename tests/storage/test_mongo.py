"""The MongoDB client's errors, and addresses without secrets."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import pytest
from pymongo.database import Database

from segue.errors import SegueError
from segue.settings import Settings
from segue.storage.mongo import (
    BulkWriteError,
    Document,
    connect,
    pack,
    set_together,
    shown,
    unpack,
    upsert,
    upsert_new,
)


@pytest.mark.parametrize(
    ("uri", "expected"),
    [
        ("mongodb://ada:secret@db1:27017,db2/segue?tls=true", "mongodb://db1:27017,db2"),
        ("mongodb+srv://u:p%40ss@cluster.example", "mongodb+srv://cluster.example"),
        ("mongodb://127.0.0.1:1", "mongodb://127.0.0.1:1"),
    ],
)
def test_an_address_is_shown_without_its_password(uri: str, expected: str) -> None:
    assert shown(uri) == expected


def test_a_missing_server_is_one_line_with_the_remedy(settings: Settings) -> None:
    away = settings.mongo.model_copy(
        update={"uri": "mongodb://ada:secret@127.0.0.1:1", "timeout": timedelta(milliseconds=200)}
    )
    with pytest.raises(SegueError, match=r"does not answer at mongodb://127\.0\.0\.1:1") as caught:
        connect(away)
    assert "secret" not in str(caught.value)


def test_an_address_that_is_none_is_one_line(settings: Settings) -> None:
    with pytest.raises(SegueError, match="SEGUE_MONGO__URI"):
        connect(settings.mongo.model_copy(update={"uri": "nonsense", "timeout": timedelta(milliseconds=200)}))


def test_writing_twice_changes_nothing(database: Database[Document]) -> None:
    documents = [{"_id": f"t{i}", "title": f"Song {i}"} for i in range(5)]
    assert upsert(database.tracks, documents, batch=2) == upsert(database.tracks, documents) == 5
    assert list(database.tracks.find().sort("_id")) == documents


def test_a_field_that_is_set_once_stays(database: Database[Document]) -> None:
    database.tracks.insert_one({"_id": "there before"})
    for now in (1, 2):
        documents = [{"_id": own, "title": now, "first_at": now} for own in ("new", "there before")]
        upsert(database.tracks, documents, once=("first_at",))
    assert list(database.tracks.find().sort("_id")) == [
        {"_id": "new", "title": 2, "first_at": 1},
        {"_id": "there before", "title": 2},
    ]


def test_new_documents_are_inserted_and_known_ones_updated(database: Database[Document]) -> None:
    database.tracks.insert_one({"_id": "known", "title": 0, "first_at": 0, "own": 1})
    documents = [{"_id": own, "title": 1, "first_at": 1} for own in ("a", "known", "b")]
    upsert_new(database.tracks, documents, once=("first_at",))
    upsert_new(database.tracks, [], once=("first_at",))
    assert list(database.tracks.find().sort("_id")) == [
        {"_id": "a", "title": 1, "first_at": 1},
        {"_id": "b", "title": 1, "first_at": 1},
        {"_id": "known", "title": 1, "first_at": 0, "own": 1},
    ]
    database.tracks.create_index("key", unique=True, sparse=True)
    with pytest.raises(BulkWriteError):  # another field is the one that is there twice
        upsert_new(database.tracks, [{"_id": "c", "key": 1}, {"_id": "d", "key": 1}])


def test_fields_of_several_documents_are_set_together(database: Database[Document]) -> None:
    database.tracks.insert_many([{"_id": str(number), "album": 0} for number in range(5)])
    set_together(database.tracks, [(["0", "1", "2"], {"album": 1}), (["4"], {"album": None})], batch=2)
    assert [track["album"] for track in database.tracks.find().sort("_id")] == [1, 1, 1, 0, None]


def test_a_vector_survives_to_the_last_bit() -> None:
    vector = np.random.default_rng(1).normal(size=64).astype(np.float32)
    assert np.array_equal(unpack(pack(vector)), vector)
