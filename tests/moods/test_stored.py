"""Moods in MongoDB, and in memory in the order of an index."""

from __future__ import annotations

import numpy as np
import pytest
from pymongo.database import Database

from segue.index.track_ids import encode_ids
from segue.moods.measures import Measured
from segue.moods.stored import Mood, Moods, keep_moods, mood_of
from segue.storage.mongo import Document

pytestmark = pytest.mark.integration
NAN = float("nan")


def measured(*energies: float) -> Measured:
    rows = [[energy, NAN, 0.5, 0.25] for energy in energies]
    return Measured(
        percentiles=np.array(rows, dtype=np.float32), bpm=np.full(len(rows), NAN, dtype=np.float32)
    )


def test_they_are_written_once_and_follow_the_corpus(database: Database[Document]) -> None:
    assert keep_moods(database, ["a", "b"], measured(0.25, 0.75), version="v") == 2
    assert keep_moods(database, ["a", "b"], measured(0.25, 0.75), version="v") == 0
    assert mood_of(database, "a") == Mood(energy=0.25, tempo=None, brightness=0.5, tone=0.25, bpm=None)
    assert keep_moods(database, ["b", "c"], measured(0.75, 0.25), version="v") == 2
    assert mood_of(database, "a") is None
    assert keep_moods(database, ["b", "c"], measured(0.75, 0.25), version="w") == 2
    assert {one["version"] for one in database.moods.find()} == {"w"}


def test_in_memory_they_follow_the_index_and_what_is_written(database: Database[Document]) -> None:
    keep_moods(database, ["a", "b"], measured(0.25, 0.75), version="v")
    moods = Moods(database, every=0.0)
    np.testing.assert_array_equal(
        moods.aligned(encode_ids(["b", "other"]), index="1"), [[0.75, NAN, 0.5, 0.25], [NAN] * 4]
    )
    np.testing.assert_array_equal(moods.aligned(encode_ids(["a"]), index="2")[:, 0], [0.25])
    keep_moods(database, ["a"], measured(0.9), version="v")
    np.testing.assert_allclose(moods.aligned(encode_ids(["a"]), index="2")[:, 0], [0.9])


def test_without_any_all_are_unknown(database: Database[Document]) -> None:
    found = Moods(database).aligned(encode_ids(["a"]), index="1")
    assert found.shape == (1, 4) and np.isnan(found).all()
    assert mood_of(database, "a") is None
