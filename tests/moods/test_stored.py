"""Moods in MongoDB, and in memory in the order of an index."""

from __future__ import annotations

import numpy as np
import pytest
from pymongo.database import Database

from segue.index.track_ids import encode_ids
from segue.moods.aligned import AlignedMoods
from segue.moods.measures import CorpusMoods
from segue.moods.stored import Mood, Moods
from segue.storage.mongo import Document
from segue.storage.store import Store

pytestmark = pytest.mark.integration
NAN = float("nan")


def measured(*energies: float) -> CorpusMoods:
    rows = [[energy, NAN, 0.5, 0.25] for energy in energies]
    return CorpusMoods(
        percentiles=np.array(rows, dtype=np.float32), bpm=np.full(len(rows), NAN, dtype=np.float32)
    )


def test_they_are_written_once_and_follow_the_corpus(store: Store, database: Database[Document]) -> None:
    moods = Moods(store)
    assert moods.replace(["a", "b"], measured(0.25, 0.75), version="v") == 2
    assert moods.replace(["a", "b"], measured(0.25, 0.75), version="v") == 0
    assert moods.read("a") == Mood(energy=0.25, tempo=None, brightness=0.5, tone=0.25, bpm=None)
    assert moods.replace(["b", "c"], measured(0.75, 0.25), version="v") == 2
    assert moods.read("a") is None
    assert moods.replace(["b", "c"], measured(0.75, 0.25), version="w") == 2
    assert {mood["version"] for mood in database.moods.find()} == {"w"}


def test_in_memory_they_follow_the_index_and_later_writes(store: Store) -> None:
    Moods(store).replace(["a", "b"], measured(0.25, 0.75), version="v")
    moods = AlignedMoods(Moods(store), every=0.0)
    np.testing.assert_array_equal(
        moods.of(encode_ids(["b", "other"]), index="1"), [[0.75, NAN, 0.5, 0.25], [NAN] * 4]
    )
    np.testing.assert_array_equal(moods.of(encode_ids(["a"]), index="2")[:, 0], [0.25])
    Moods(store).replace(["a"], measured(0.9), version="v")
    np.testing.assert_allclose(moods.of(encode_ids(["a"]), index="2")[:, 0], [0.9])


def test_without_any_all_are_unknown(store: Store) -> None:
    found = AlignedMoods(Moods(store)).of(encode_ids(["a"]), index="1")
    assert found.shape == (1, 4) and np.isnan(found).all()
    assert Moods(store).read("a") is None
